#include "metrics/ranks/shares.h"

#include <algorithm>
#include <string>

#include "attention/error.h"

namespace vidattn {
namespace {

/// Heads of keys that the other ranks of a group attend with, each counted for every rank.
int64_t kv_heads_elsewhere(const CallSize& call, RankGrid grid, int64_t rank) {
  int64_t count = 0;
  for (int64_t place = 0; place < grid.ulysses; ++place)
    if (place != grid.place(rank))
      count += call.kv_heads_of(share_of(call.heads, grid.ulysses, place)).size();
  return count;
}

}  // namespace

Share share_of(int64_t items, int64_t ranks, int64_t rank) {
  const int64_t each = items / ranks, longer = items % ranks;
  const auto begin = [&](int64_t r) { return r * each + std::min(r, longer); };
  return {begin(rank), begin(rank + 1)};
}

Share RankGrid::block(int64_t length, int64_t group) const {
  return {tokens(length, group * ulysses).begin, tokens(length, (group + 1) * ulysses - 1).end};
}

CallSize CallSize::of(const Inputs& in, int64_t bytes_of_number) {
  return {in.length(), in.keys(),      in.heads(),     in.kv_heads(),
          in.dim(),    in.value_dim(), bytes_of_number};
}

Share CallSize::kv_heads_of(Share query_heads) const {
  const int64_t each = heads / kv_heads;
  if (query_heads.size() == 0) return {};
  return {query_heads.begin / each, (query_heads.end - 1) / each + 1};
}

void require_ranks(const CallSize& call, RankGrid grid) {
  const auto require = [](int64_t items, int64_t ranks, const char* what) {
    if (ranks > items)
      throw InputError(std::to_string(ranks) + " ranks share " + std::to_string(items) + " " +
                       what + ": give each at least one");
  };
  require(call.heads, grid.ulysses, "heads");
  require(call.queries, grid.ranks(), "queries");
  require(call.keys, grid.ranks(), "keys");
}

SentBytes ring_bytes(const CallSize& call, RankGrid grid, int64_t rank) {
  const int64_t next = (grid.group(rank) + 1) % grid.ring;
  const int64_t rows = (call.keys - grid.block(call.keys, next).size()) *
                       call.kv_heads_of(grid.heads(call.heads, rank)).size();
  return {.k = rows * call.dim * call.bytes, .v = rows * call.value_dim * call.bytes};
}

SentBytes sent_bytes(const CallSize& call, RankGrid grid, int64_t rank) {
  require_ranks(call, grid);
  const int64_t own_heads = grid.heads(call.heads, rank).size();
  const int64_t own_queries = grid.tokens(call.queries, rank).size();
  const int64_t group_queries = grid.block(call.queries, grid.group(rank)).size();
  const int64_t scattered =
      grid.tokens(call.keys, rank).size() * kv_heads_elsewhere(call, grid, rank);
  SentBytes sent = ring_bytes(call, grid, rank);
  sent.q = own_queries * (call.heads - own_heads) * call.dim * call.bytes;
  sent.k += scattered * call.dim * call.bytes;
  sent.v += scattered * call.value_dim * call.bytes;
  sent.o = (group_queries - own_queries) * own_heads * call.value_dim * call.bytes;
  return sent;
}

}  // namespace vidattn
