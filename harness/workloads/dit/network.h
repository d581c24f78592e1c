#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "attention/grid.h"
#include "attention/inputs.h"
#include "harness/workloads/dit/checkpoint.h"

namespace vidattn {

/// Latents [L,64] less their mean, over their deviation, as networks know them; `arrays` has
/// latent.mean and latent.deviation.
std::vector<float> standardised(const DitArrays& arrays, std::vector<float> latents);

/// What a network is asked: a clip of any grid at a noise level.
struct DitInput {
  VideoGrid grid;                                  ///< without text tokens
  const float* latents = nullptr;                  ///< [L,64], standardised and noised
  std::vector<double> sigmas;                      ///< [shots], 0 to 1
  const std::vector<int32_t>* captions = nullptr;  ///< [shots, kCaptionTokens]
};

/// A trained network (DIT.md), run without libtorch: its linear layers by OpenBLAS, its visual
/// attention by whoever is given it. Results agree with libtorch's to rounding.
class DitNetwork {
 public:
  /// Throws InputError as check_checkpoint().
  explicit DitNetwork(DitCheckpoint checkpoint);

  /// Attends in a block. `in` has q, k, v, the grid, and as extras hidden [L,C] and, where the
  /// network has routers, router_logits [L,M] and router_weight [M,C]. In MMDiT q, k and v have the
  /// words as the grid's text tokens, the extras L video tokens alone. Returns o of all, [.,H,D]
  /// float32.
  using Attend = std::function<Tensor(int64_t block, Inputs& in)>;

  /// The velocity [L,64]. Throws InputError for noise levels or captions that do not fit the grid,
  /// and what `attend` throws.
  std::vector<float> velocity(const DitInput& input, const Attend& attend) const;

  /// What `attend` would be given in a block, of which it has done those before. Throws as
  /// velocity(), and for a block that there is not.
  Inputs attention_inputs(const DitInput& input, int64_t block, const Attend& attend) const;

  const DitConfig& config() const { return checkpoint_.config; }
  const DitCheckpoint& checkpoint() const { return checkpoint_; }

  /// As the network knows latents, and back.
  std::vector<float> standardised(std::vector<float> latents) const;
  std::vector<float> restored(std::vector<float> latents) const;

 private:
  class Run;

  DitCheckpoint checkpoint_;
};

}  // namespace vidattn
