#pragma once

#include <string>
#include <vector>

#include "harness/distributed/parts/call_shape.h"
#include "metrics/ranks/shares.h"

namespace vidattn {

/// How ranks share a call: `heads` ranks at a time exchange tokens for heads (Ulysses), and the
/// tokens of such a group are one of `tokens` blocks whose keys travel (ring).
struct RankLayout {
  int heads = 1, tokens = 1;

  RankGrid grid() const { return {heads, tokens}; }
  int ranks() const { return heads * tokens; }
  /// Rank r holds token share r of all ranks, so that the tokens of a group are consecutive.
  int head_part(int rank) const { return rank % heads; }
  int token_part(int rank) const { return rank / heads; }
  std::vector<int> head_group(int rank) const;  ///< ranks that exchange heads with it, in order
  std::vector<int> ring(int rank) const;        ///< ranks with its heads, in the order of tokens

  /// Of `count` tokens: a rank's own, and those of a whole group.
  Share tokens_of(int rank, int64_t count) const { return grid().tokens(count, rank); }
  Share block(int part, int64_t count) const { return grid().block(count, part); }
  Share kv_heads_of(int part, const CallShape& shape) const {
    return share_of(shape.kv_heads, heads, part);
  }
  Share heads_of(int part, const CallShape& shape) const;

  std::string text() const;  ///< "ulysses", "ring", "2x3"
  /// Throws InputError where some rank would have no head or no token.
  void check(const CallShape& shape) const;
};

/// "ulysses", "ring" or HEADSxTOKENS, as "2x3", for so many ranks. Throws InputError.
RankLayout parse_rank_layout(const std::string& text, int ranks);

}  // namespace vidattn
