#include "metrics/model/dit_model.h"

#include <iterator>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr const char* kKinds[] = {"cross_attention", "double_stream", "single_stream"};

int64_t linear(int64_t in, int64_t out) { return in * out + out; }

int64_t block_parameters(const DitModel& m, BlockKind kind) {
  const int64_t d = m.dim, f = m.ffn_dim;
  switch (kind) {
    case BlockKind::cross_attention: {
      const int64_t attention = 4 * linear(d, d) + 2 * d;  // q, k, v, o and the norms of q and k
      return 2 * attention + 2 * d + linear(d, f) + linear(f, d) + 6 * d;
    }
    case BlockKind::double_stream: {
      const int64_t modulation = linear(d, 6 * d);
      return 2 * (modulation + linear(d, 3 * d) + linear(d, d) + 2 * m.head_dim() + linear(d, f) +
                  linear(f, d));
    }
    case BlockKind::single_stream:
      return linear(d, 3 * d) + linear(d, 3 * d + f) + linear(d + f, d) + 2 * m.head_dim();
  }
  return 0;
}

}  // namespace

int64_t DitModel::layers() const {
  int64_t count = 0;
  for (const DitBlocks& b : blocks) count += b.count;
  return count;
}

int64_t DitModel::parameters() const {
  int64_t count = 0;
  bool shared_modulation = false;
  for (const DitBlocks& b : blocks) {
    count += b.count * block_parameters(*this, b.kind);
    shared_modulation |= b.kind == BlockKind::cross_attention;
  }
  const int64_t values = latent_channels * patch;  // of one token in the latent
  count += linear(values, dim);
  count += linear(text_dim, dim) + linear(dim, dim);
  count += linear(frequency_dim, dim) + linear(dim, dim);
  count += linear(dim, values);
  // Wan projects the timestep once for all blocks; MMDiTs have a projection in each, and one here.
  return count + (shared_modulation ? linear(dim, 6 * dim) + 2 * dim : linear(dim, 2 * dim));
}

void DitModel::validate() const {
  const std::string which = "model '" + name + "'";
  const std::pair<const char*, int64_t> sizes[] = {
      {"dim", dim},           {"heads", heads},
      {"ffn_dim", ffn_dim},   {"text_tokens", text_tokens},
      {"text_dim", text_dim}, {"latent_channels", latent_channels},
      {"patch", patch},       {"frequency_dim", frequency_dim}};
  // Beyond any model, and far from where products of sizes leave 64 bits.
  constexpr int64_t kLargest = 1 << 20;
  for (const auto& [key, value] : sizes)
    if (value < 1 || value > kLargest)
      throw InputError(which + ": " + key + " is " + std::to_string(value) + ", expected 1 to " +
                       std::to_string(kLargest));
  if (dim % heads != 0)
    throw InputError(which + ": dim " + std::to_string(dim) + " is not a multiple of heads " +
                     std::to_string(heads));
  if (blocks.empty()) throw InputError(which + ": blocks are empty");
  constexpr int64_t kMostLayers = 100'000;
  int64_t count = 0;
  for (const DitBlocks& b : blocks) {
    if (b.count < 1 || b.count > kMostLayers)
      throw InputError(which + ": a block count is " + std::to_string(b.count) +
                       ", expected 1 to " + std::to_string(kMostLayers));
    count += b.count;
    if (count > kMostLayers)
      throw InputError(which + ": more than " + std::to_string(kMostLayers) + " blocks");
  }
}

std::string to_string(BlockKind kind) { return kKinds[static_cast<int>(kind)]; }

BlockKind parse_block_kind(const std::string& text) {
  for (size_t i = 0; i < std::size(kKinds); ++i)
    if (text == kKinds[i]) return static_cast<BlockKind>(i);
  throw InputError("unknown block kind '" + text +
                   "': known are cross_attention, double_stream, single_stream");
}

}  // namespace vidattn
