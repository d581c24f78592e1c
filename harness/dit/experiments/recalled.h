#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "attention/error.h"
#include "harness/dit/experiments/experiment.h"
#include "harness/dit/rollout.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/dit/recall.h"

namespace vidattn {

/// A clip as it was painted, and what it took of the given shot.
struct RecalledPainting {
  std::vector<float> latents;   ///< [L,64]
  std::vector<cv::Mat> frames;  ///< latents decoded
  ColourRecall recall;
  double density = 0;  ///< executed, mean over the calls
  double seconds = 0;  ///< of the network and its attention, without checks
};

/// Relative L2 of its latents to another's.
double relative_distance(const RecalledPainting& painting, const RecalledPainting& reference);

/// An attention that did not agree with the float64 reference.
struct AttentionFailed : InputError {
  using InputError::InputError;
};

/// Clip `index` of an experiment and its task: the first shot is given, the others are painted.
/// Shot 2 shows a character of shot 0 that shot 1 does not (clip.h), whose colour is judged
/// (recall.h).
class RecalledClip {
 public:
  /// `clip`, the experiment's at `index`, must outlive it.
  RecalledClip(const ExperimentRequest& request, const DitNetwork& network,
               const TrainingClip& clip, int64_t index);

  const RolloutTask& task() const { return task_; }
  /// The judged character's palette colour in the clip.
  int colour() const;

  /// Paints it, and again with the judged character in the opposite colour. Throws
  /// AttentionFailed, with the backend, where its attention fails its check.
  RecalledPainting paint(const DitNetwork& network, const MethodSettings& method) const;

 private:
  const TrainingClip& clip_;
  RolloutTask task_;
  std::vector<float> opposite_;  ///< clean latents with the opposite colour
};

}  // namespace vidattn
