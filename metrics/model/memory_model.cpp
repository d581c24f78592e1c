#include "metrics/model/memory_model.h"

#include <algorithm>

namespace vidattn {
namespace {

double tokens_of_block(const DitModel& model, BlockKind kind, double tokens) {
  return kind == BlockKind::cross_attention ? tokens
                                            : tokens + static_cast<double>(model.text_tokens);
}

}  // namespace

double saved_values_per_token(const DitModel& model, BlockKind kind, const MemoryOptions& options) {
  const auto d = static_cast<double>(model.dim), f = static_cast<double>(model.ffn_dim);
  const double widths = kind == BlockKind::cross_attention ? 15
                        : kind == BlockKind::double_stream ? 11
                                                           : 9;
  const auto branches = static_cast<double>(options.branches);
  const double lse = branches * static_cast<double>(model.heads) * 4 / options.value_bytes;
  return (widths + branches - 1) * d + 2 * f + lse;
}

MemoryEstimate estimate_memory(const DitModel& model, int64_t tokens,
                               const MemoryOptions& options) {
  const auto devices = static_cast<double>(options.devices);
  const double local = static_cast<double>(tokens) / devices;
  const auto d = static_cast<double>(model.dim), f = static_cast<double>(model.ffn_dim);
  const auto parameters = static_cast<double>(model.parameters());
  MemoryEstimate m;
  m.weights = parameters * options.value_bytes;
  m.training_states = parameters * (2 * options.value_bytes + options.state_bytes) /
                      (options.shard_states ? devices : 1);
  double largest_block = 0;
  for (const DitBlocks& b : model.blocks) {
    const double rows = tokens_of_block(model, b.kind, local);
    const double block =
        rows * saved_values_per_token(model, b.kind, options) * options.value_bytes;
    const auto count = static_cast<double>(b.count);
    m.activations += count * block;
    m.checkpoints += count * rows * d * options.value_bytes;
    largest_block = std::max(largest_block, block);
    // Attention: residual, its norm, q, k, v, one output per branch. FFN: residual, norm, hidden
    // before and after the activation.
    const double live = std::max((5 + static_cast<double>(options.branches)) * d, 2 * d + 2 * f);
    m.forward_workspace = std::max(m.forward_workspace, rows * live * options.value_bytes);
  }
  m.checkpoints += largest_block;
  return m;
}

}  // namespace vidattn
