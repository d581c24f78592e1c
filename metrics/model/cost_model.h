#pragma once

#include <string>
#include <vector>

#include "metrics/model/dit_model.h"

namespace vidattn {

/// What a pass works on.
struct Sequence {
  int64_t tokens = 0;       ///< video tokens N
  double density = 1;       ///< attended video-video pairs over N²; text pairs are always dense
  int64_t text_tokens = 0;  ///< T; 0 = the model's
  double value_bytes = 2;   ///< of a weight or activation (bf16)
};

enum class WorkKind { linear, attention, elementwise };

/// One kind of work, summed over all blocks.
struct CostItem {
  std::string name;
  WorkKind kind;
  double flops = 0;  ///< 2 per multiply-add; softmax, norms and activations are not counted
  double bytes = 0;  ///< least memory traffic: every operand read, every result written once
  bool video_pairs = false;  ///< scales with the density of the video's self-attention
};

struct PassCost {
  std::vector<CostItem> items;

  double flops() const;
  double bytes() const;
  /// Self-attention without its projections: what a sparse method makes cheaper.
  double attention_flops() const;
  /// attention_flops() / flops().
  double attention_share() const { return attention_flops() / flops(); }
};

/// One forward pass of the blocks for one video. Per Wan block, with N video and T text tokens,
/// width d and FFN width f: 8Nd² + 4·density·N²·d + (4Nd² + 4Td² + 4NTd) + 4Ndf. The embeddings and
/// the head outside of the blocks are left out, as published counts do; see outside_flops().
PassCost forward_cost(const DitModel& model, const Sequence& sequence);

/// The backward pass that belongs to a forward pass: a linear layer has two products of the same
/// size (2x); attention has five in place of two, because the scores are computed again (2.5x, the
/// accounting of FlashAttention-2). Traffic doubles: gradients beside values.
PassCost backward_cost(const PassCost& forward);

/// Patch embedding, text embedding and output head of one forward pass.
double outside_flops(const DitModel& model, const Sequence& sequence);

/// A linear router of M groups in every block (MoGA Eq. 2): 2·N·d·M each. Never part of the above.
double router_flops(const DitModel& model, int64_t tokens, int64_t groups);

/// Traffic of permuting q, k, v and un-permuting o (MoGA A.6) in every block, read and written
/// once. This project's kernels gather through index lists and do without.
double permute_bytes(const DitModel& model, const Sequence& sequence);

}  // namespace vidattn
