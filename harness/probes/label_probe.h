#pragma once

#include <optional>
#include <string>

#include "harness/probes/clip.h"
#include "harness/probes/probe.h"
#include "metrics/video/label_propagation.h"

namespace vidattn {

/// How well a backend carried the characters' regions.
struct CarriedLabels {
  ProbeRun run;
  RegionScores same_shot;    ///< later frames of the known frames' own shot
  RegionScores other_shots;  ///< all frames of other shots
};

/// Label propagation on the film: the identities of its first frames, carried by every backend.
class LabelProbe {
 public:
  static constexpr int64_t kKnownFrames = 2;
  static constexpr int64_t kSteps = 4;  ///< so that a label can pass through frames in between

  /// Throws InputError for another source than the film.
  LabelProbe(const ClipRequest& film, const std::string& device,
             const std::function<void(double)>& progress = {});

  CarriedLabels carry(const std::string& backend, std::optional<double> density) const;
  const LabelPropagation& task() const { return task_; }

 private:
  std::string device_;
  LabelPropagation task_;
};

}  // namespace vidattn
