#pragma once

#include "metrics/model/dit_model.h"

namespace vidattn {

/// How a pass is spread over devices and stored.
struct MemoryOptions {
  int64_t devices = 8;       ///< sequence parallel: each holds N/devices tokens
  bool shard_states = true;  ///< training: weights, gradients, optimiser spread over the devices
  double value_bytes = 2;    ///< weights, gradients, activations (bf16)
  double state_bytes = 12;   ///< optimiser per weight: AdamW with a float32 master copy
  int64_t branches = 1;      ///< of the attention plan; each keeps its output and log-sum-exp
};

/// Memory of one device, in bytes. Left out: allocator, communication buffers, text encoder, VAE.
struct MemoryEstimate {
  double weights = 0;            ///< whole, as inference keeps them
  double training_states = 0;    ///< weights, gradients, optimiser
  double activations = 0;        ///< kept for the backward pass without checkpointing
  double checkpoints = 0;        ///< with it: every block's input, and one block's activations
  double forward_workspace = 0;  ///< live at once in a forward pass without gradients

  double training(bool checkpointing) const {
    return training_states + (checkpointing ? checkpoints : activations);
  }
  double inference() const { return weights + forward_workspace; }
};

/// One video of `tokens` tokens.
MemoryEstimate estimate_memory(const DitModel& model, int64_t tokens, const MemoryOptions& options);

/// Values that a block keeps of each token for its backward pass, in units of value_bytes:
///   cross_attention  15d + 2f   block input; input of q, k, v; q, k before and after the norm; v;
///                               attention output and its projection; the same for the
///                               cross-attention's norm, q, normed q, output, projection; FFN
///                               input, hidden before and after the activation, output
///   double_stream    11d + 2f   single_stream  9d + 2f
/// plus the log-sum-exp (float32) of every head and d for each branch beyond the first.
double saved_values_per_token(const DitModel& model, BlockKind kind, const MemoryOptions& options);

}  // namespace vidattn
