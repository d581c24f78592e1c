#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "harness/dit/experiments/experiment.h"
#include "harness/dit/rollout.h"
#include "harness/workloads/dit/clip.h"

namespace vidattn {

/// Clip `index` of an experiment and its task: the first shot is given, the others are painted.
/// Shot 2 shows a character of shot 0 that shot 1 does not (clip.h), whose colour is judged.
class RecalledClip {
 public:
  /// `clip`, the experiment's at `index`, must outlive it.
  RecalledClip(const ExperimentRequest& request, const DitNetwork& network,
               const TrainingClip& clip, int64_t index);

  const RolloutTask& task() const { return task_; }
  /// The judged character's palette colour: in the clip, and as painted.
  int colour() const;
  int painted(const std::vector<cv::Mat>& frames) const;

  /// Paints it. Throws InputError, with the backend, where its attention fails its check.
  Rollout paint(const DitNetwork& network, const std::string& backend,
                MethodAttention& attention) const;

 private:
  const TrainingClip& clip_;
  RolloutTask task_;
};

}  // namespace vidattn
