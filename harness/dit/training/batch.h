#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "attention/grid.h"
#include "harness/dit/training/trainer.h"
#include "harness/workloads/dit/config.h"

namespace vidattn {

struct BatchSettings {
  uint64_t seed = 1;
  int64_t clips = 8;  ///< of a batch, a multiple of kUses
  double shift = 3;   ///< of the noise levels: sigma = shift u / (1 + (shift - 1) u), u uniform
  int threads = 2;    ///< that render clips
};

/// What latents are standardised by, [64] each, from clips that the seed draws: latent.mean, and
/// as latent.deviation the geometric mean of each value's own deviation and the largest one.
DitArrays measure_latents(const DitConfig& config, uint64_t seed);

/// The batches of a training run: noised clips of vidattn's film. A batch is a function of the
/// settings and the step alone, so that a run can go on anywhere. Rendering a clip takes longer
/// than training on it, so every clip is in kUses batches, kSpacing steps apart, each time with
/// noise of its own.
class BatchSource {
 public:
  static constexpr int64_t kUses = 4, kSpacing = 16;

  /// `latents` has latent.mean and latent.deviation. Throws InputError when the clips of a batch
  /// are no multiple of kUses.
  BatchSource(const DitConfig& config, const BatchSettings& settings, const DitArrays& latents);

  DitBatch batch(int64_t step);
  /// The grids of the last batch's clips.
  const std::vector<VideoGrid>& grids() const { return grids_; }

 private:
  struct Ready {
    VideoGrid grid;
    std::vector<int32_t> captions;
    std::vector<float> latents;  ///< standardised
  };
  using Group = std::shared_ptr<const std::vector<Ready>>;

  Group group(int64_t index);
  void noise(const Ready& clip, int64_t place, int64_t step, DitBatch& batch) const;

  DitConfig config_;
  BatchSettings settings_;
  DitArrays latents_;  ///< what they are standardised by
  std::map<int64_t, Group> kept_;
  std::vector<VideoGrid> grids_;
};

/// What a batch says of the rotary embedding, of all clips of a grid's size.
void set_rotation(const DitConfig& config, const VideoGrid& grid, DitBatch& batch);

}  // namespace vidattn
