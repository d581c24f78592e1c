#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "attention/device.h"
#include "attention/inputs.h"

namespace vidattn {

/// What to carry: labels of the first frames' tokens to all others, along attention.
struct LabelTask {
  VideoGrid grid;
  std::vector<int32_t> labels;            ///< [L] truth: 0 background, 1 … the regions
  int32_t regions = 0;                    ///< highest label
  int64_t known_frames = 2;               ///< latent frames whose labels are given, at least 2
  std::shared_ptr<const Array> features;  ///< [L,C], also the `hidden` of methods with a router
};

/// Label propagation (Zhu and Ghahramani 2002) with softmax attention as the transition matrix A:
/// Y <- A Y, known rows reset to their one-hot labels after every step, all others 0 at first. A
/// token's label is the one with the largest share; without any share it is undecided.
///
/// q and k are the features, brought to unit length: A = softmax(cos(f_i, f_j) / τ). τ is chosen
/// before any method runs, on the known frames alone: of 0.2, 0.14, 0.1 … 0.009 the one under which
/// their labels are likeliest when each token is predicted from the other known frames.
class LabelPropagation {
 public:
  /// Throws InputError when the sizes disagree, fewer than 2 frames are known or all, or the known
  /// frames show no region.
  explicit LabelPropagation(LabelTask task);

  /// q, k [L,1,D] and the first values; D is the features' number, rounded up to a multiple of 8.
  const Inputs& inputs() const { return inputs_; }
  double temperature() const { return temperature_; }

  /// The inputs of the next step from the output [L,1,D] of the last.
  Inputs next(const Inputs& in, const Tensor& o) const;
  /// Label per token, [L]; -1 = undecided.
  std::vector<int32_t> decide(const Tensor& o) const;

  const LabelTask& task() const { return task_; }

 private:
  void choose_temperature(const std::vector<float>& unit, int64_t channels);

  LabelTask task_;
  Inputs inputs_;
  double temperature_ = 0;
};

/// Region similarity of predicted labels.
struct RegionScores {
  double iou = std::nan("");  ///< mean over the regions of intersection over union; NaN without any
  double undecided = 0;       ///< share of tokens without a label
  int64_t tokens = 0;
};

/// Over the tokens of the frames in [begin, end). Only regions that the known frames show count,
/// and of those only the ones that appear in these frames.
RegionScores region_scores(const LabelTask& task, const std::vector<int32_t>& predicted,
                           int64_t begin, int64_t end);

}  // namespace vidattn
