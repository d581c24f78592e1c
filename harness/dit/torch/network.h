#pragma once

#include <functional>
#include <memory>
#include <string>

#include "harness/dit/torch/parameters.h"
#include "harness/dit/training/trainer.h"

namespace vidattn::dit_torch {

/// Clips [first, first + clips) of a batch as tensors.
struct Clips {
  int64_t first, clips;
  at::Tensor noisy;         ///< [B,L,P]
  at::Tensor sigma;         ///< [B,S]
  at::Tensor shot_of;       ///< [B,L]
  at::Tensor captions;      ///< [B,S,T]
  at::Tensor cosine, sine;  ///< [L,1,D/2]
  at::Tensor elsewhere;     ///< [B,1,L,S*T], -inf for the words of other shots, else 0
  // Of MMDiT's words:
  at::Tensor shot_of_words;           ///< [B,S*T]
  at::Tensor word_cosine, word_sine;  ///< [S*T,1,D/2]
};

Clips take_clips(const DitConfig& config, const DitBatch& batch, int64_t first, int64_t clips);

/// Visual attention of q, k, v [B,L,H,D], MMDiT's words behind the video, and router scores of the
/// video [B,.,M] (undefined without routers).
class VisualAttention {
 public:
  virtual ~VisualAttention() = default;
  virtual at::Tensor run(int64_t block, const at::Tensor& q, const at::Tensor& k,
                         const at::Tensor& v, const at::Tensor& router) const = 0;
};

/// By libtorch's own operations, dense.
std::unique_ptr<VisualAttention> dense_attention();
/// By the tool's devices. `first` is the batch's clip that the tensors begin with.
std::unique_ptr<VisualAttention> tool_attention(AttentionMaker& maker, int64_t first);

/// Is shown what every part of a network gives: "the patches", "block 2", "the head".
using Watch = std::function<void(const std::string& part, const at::Tensor& output)>;

/// The velocity [B,L,P], as DIT.md says; with `bf16` the blocks' linear layers multiply bfloat16.
at::Tensor velocity(const DitConfig& config, const Parameters& parameters, const Clips& clips,
                    const VisualAttention& attention, bool bf16, const Watch& watch = {});

}  // namespace vidattn::dit_torch
