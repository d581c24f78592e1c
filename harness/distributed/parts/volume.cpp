#include "harness/distributed/parts/volume.h"

namespace vidattn {

int64_t bytes_sent(const RankLayout& layout, const CallShape& shape, int rank, int64_t branches) {
  const int64_t size = size_of(shape.dtype);
  const int heads = layout.head_part(rank), block = layout.token_part(rank);
  const int64_t own_q = layout.tokens_of(rank, shape.length).size();
  const int64_t own_k = layout.tokens_of(rank, shape.keys).size();
  const int64_t own_heads = layout.heads_of(heads, shape).size();
  const int64_t own_kv = layout.kv_heads_of(heads, shape).size();
  const int64_t key_row = (shape.dim + shape.value_dim) * size;  // of one head

  // Ulysses: own tokens, heads of others; then own heads, tokens of others.
  const int64_t operands = own_q * (shape.heads - own_heads) * shape.dim * size +
                           own_k * (shape.kv_heads - own_kv) * key_row;
  const int64_t foreign = layout.block(block, shape.length).size() - own_q;
  const int64_t results =
      foreign * own_heads * (shape.value_dim * size + branches * int64_t{sizeof(float)});

  // Ring: every block of keys but the one that the next rank has, which never passes here.
  int64_t travelling = 0;
  for (int part = 0; part < layout.tokens; ++part)
    if (part != (block + 1) % layout.tokens)
      travelling += layout.block(part, shape.keys).size() * own_kv * key_row;
  return operands + results + (layout.tokens > 1 ? travelling : 0);
}

}  // namespace vidattn
