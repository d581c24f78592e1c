#include "harness/distributed/parts/volume.h"

namespace vidattn {
namespace {

/// Bytes a key row of one head has.
int64_t key_row(const CallShape& shape, int64_t size) {
  return (shape.dim + shape.value_dim) * size;
}

/// Keys that a rank passes on: every block but the one that the next rank has, which never passes
/// here.
int64_t travelling_keys(const RankLayout& layout, const CallShape& shape, int rank) {
  const int block = layout.token_part(rank);
  int64_t keys = 0;
  for (int part = 0; part < layout.tokens && layout.tokens > 1; ++part)
    if (part != (block + 1) % layout.tokens) keys += layout.block(part, shape.keys).size();
  return keys;
}

}  // namespace

int64_t bytes_sent(const RankLayout& layout, const CallShape& shape, int rank, int64_t branches) {
  const int64_t size = size_of(shape.dtype);
  const int heads = layout.head_part(rank), block = layout.token_part(rank);
  const int64_t own_q = layout.tokens_of(rank, shape.length).size();
  const int64_t own_k = layout.tokens_of(rank, shape.keys).size();
  const int64_t own_heads = layout.heads_of(heads, shape).size();
  const int64_t own_kv = layout.kv_heads_of(heads, shape).size();

  // Ulysses: own tokens, heads of others; then own heads, tokens of others.
  const int64_t operands = own_q * (shape.heads - own_heads) * shape.dim * size +
                           own_k * (shape.kv_heads - own_kv) * key_row(shape, size);
  const int64_t foreign = layout.block(block, shape.length).size() - own_q;
  const int64_t results =
      foreign * own_heads * (shape.value_dim * size + branches * int64_t{sizeof(float)});
  return operands + results + travelling_keys(layout, shape, rank) * own_kv * key_row(shape, size);
}

int64_t backward_bytes_sent(const RankLayout& layout, const CallShape& shape, int rank) {
  constexpr int64_t kFloat = sizeof(float);
  const int heads = layout.head_part(rank), block = layout.token_part(rank);
  const int64_t own_q = layout.tokens_of(rank, shape.length).size();
  const int64_t own_k = layout.tokens_of(rank, shape.keys).size();
  const int64_t own_heads = layout.heads_of(heads, shape).size();
  const int64_t own_kv = layout.kv_heads_of(heads, shape).size();
  const int64_t block_k = layout.block(block, shape.keys).size();

  const int64_t upstream = own_q * (shape.heads - own_heads) * shape.value_dim * kFloat;
  const int64_t of_q =
      (layout.block(block, shape.length).size() - own_q) * own_heads * shape.dim * kFloat;
  const int64_t of_keys = (block_k - own_k) * own_kv * key_row(shape, kFloat);
  // Ring: keys as they are; to each other rank the gradients of its block.
  const int64_t round =
      travelling_keys(layout, shape, rank) * own_kv * key_row(shape, size_of(shape.dtype)) +
      (shape.keys - block_k) * own_kv * key_row(shape, kFloat);
  return upstream + of_q + of_keys + round;
}

}  // namespace vidattn
