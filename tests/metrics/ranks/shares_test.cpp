#include "metrics/ranks/shares.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "attention/error.h"

namespace vidattn {
namespace {

TEST(Shares, AreConsecutiveAndTheFirstRanksHaveTheRest) {
  EXPECT_EQ(share_of(10, 4, 0), (Share{0, 3}));
  EXPECT_EQ(share_of(10, 4, 1), (Share{3, 6}));
  EXPECT_EQ(share_of(10, 4, 2), (Share{6, 8}));
  EXPECT_EQ(share_of(10, 4, 3), (Share{8, 10}));
  for (const int64_t items : {0, 1, 15, 17, 64})
    for (const int64_t ranks : {1, 2, 3, 5, 16, 20}) {
      int64_t end = 0;
      for (int64_t r = 0; r < ranks; ++r) {
        const Share share = share_of(items, ranks, r);
        EXPECT_EQ(share.begin, end);
        EXPECT_GE(share.size(), items / ranks);
        EXPECT_LE(share.size(), (items + ranks - 1) / ranks);
        end = share.end;
      }
      EXPECT_EQ(end, items);
    }
}

TEST(Shares, BlocksOfAGroupAreItsRanksTokens) {
  const RankGrid grid{.ulysses = 3, .ring = 2};
  EXPECT_EQ(grid.ranks(), 6);
  EXPECT_EQ(grid.block(17, 0), (Share{0, 9}));  // 3 + 3 + 3
  EXPECT_EQ(grid.block(17, 1), (Share{9, 17}));
  EXPECT_EQ(grid.group(4), 1);
  EXPECT_EQ(grid.place(4), 1);
}

/// One number of a tensor, and where it is.
struct Held {
  int64_t token, head;
  auto operator<=>(const Held&) const = default;
};
using Holding = std::set<Held>;

/// Numbers of one channel that are sent when everything that a rank holds goes to whoever wants it,
/// once to each.
int64_t sent_by(const Holding& own, const std::vector<Holding>& wanted, int64_t rank) {
  int64_t count = 0;
  for (int64_t other = 0; other < std::ssize(wanted); ++other)
    for (const Held& number : own) count += other != rank && wanted[other].contains(number);
  return count;
}

Holding rectangle(Share tokens, Share heads) {
  Holding all;
  for (int64_t t = tokens.begin; t < tokens.end; ++t)
    for (int64_t h = heads.begin; h < heads.end; ++h) all.insert({t, h});
  return all;
}

/// The traffic by following every number: in the exchange inside the group, then around the ring,
/// step by step, then back.
SentBytes followed(const CallSize& call, RankGrid grid, int64_t rank) {
  const int64_t group = grid.group(rank), place = grid.place(rank);
  std::vector<Holding> q, kv, o;
  for (int64_t p = 0; p < grid.ulysses; ++p) {
    const int64_t other = group * grid.ulysses + p;
    const Share heads = grid.heads(call.heads, other);
    q.push_back(rectangle(grid.block(call.queries, group), heads));
    kv.push_back(rectangle(grid.block(call.keys, group), call.kv_heads_of(heads)));
    o.push_back(rectangle(grid.tokens(call.queries, other), {0, call.heads}));
  }
  int64_t keys = sent_by(rectangle(grid.tokens(call.keys, rank), {0, call.kv_heads}), kv, place);
  const int64_t heads = call.kv_heads_of(grid.heads(call.heads, rank)).size();
  for (int64_t step = 0; step + 1 < grid.ring; ++step)
    keys += grid.block(call.keys, (group - step + grid.ring) % grid.ring).size() * heads;
  SentBytes sent;
  sent.q = sent_by(rectangle(grid.tokens(call.queries, rank), {0, call.heads}), q, place) *
           call.dim * call.bytes;
  sent.k = keys * call.dim * call.bytes;
  sent.v = keys * call.value_dim * call.bytes;
  sent.o = sent_by(q[place], o, place) * call.value_dim * call.bytes;
  return sent;
}

TEST(Shares, BytesEqualThoseOfEveryNumberFollowed) {
  for (const CallSize& call : {CallSize{17, 17, 6, 6, 8, 8, 4}, CallSize{16, 16, 6, 2, 8, 4, 2},
                               CallSize{15, 31, 5, 5, 3, 7, 4}, CallSize{40, 12, 4, 1, 2, 2, 2}})
    for (int64_t u = 1; u <= 4; ++u)
      for (int64_t r = 1; r <= 3; ++r)
        for (int64_t rank = 0; rank < u * r; ++rank) {
          const SentBytes fast = sent_bytes(call, {u, r}, rank),
                          slow = followed(call, {u, r}, rank);
          EXPECT_EQ(fast.q, slow.q) << u << "x" << r << " rank " << rank;
          EXPECT_EQ(fast.k, slow.k) << u << "x" << r << " rank " << rank;
          EXPECT_EQ(fast.v, slow.v) << u << "x" << r << " rank " << rank;
          EXPECT_EQ(fast.o, slow.o) << u << "x" << r << " rank " << rank;
        }
}

/// 8 tokens, 4 heads of 2 channels of 2 bytes over 4 ranks, by hand: a rank has 2 tokens and sends
/// 3 heads of each of q, k and v, and 6 tokens of its own head's output.
TEST(Shares, BytesByHand) {
  const CallSize call{8, 8, 4, 4, 2, 2, 2};
  const SentBytes ulysses = sent_bytes(call, {4, 1}, 1);
  EXPECT_EQ(ulysses.q, 2 * 3 * 2 * 2);
  EXPECT_EQ(ulysses.k, 24);
  EXPECT_EQ(ulysses.v, 24);
  EXPECT_EQ(ulysses.o, 6 * 1 * 2 * 2);
  const SentBytes ring = sent_bytes(call, {1, 4}, 1);
  EXPECT_EQ(ring.q + ring.o, 0);
  EXPECT_EQ(ring.k, 3 * 2 * 4 * 2 * 2);  // three blocks of two tokens, all heads
  EXPECT_EQ(sent_bytes(call, {1, 1}, 0).total(), 0);
  EXPECT_EQ(all_gather_bytes(8, 4), 24);
}

TEST(Shares, RanksWithoutAHeadOrATokenAreRefused) {
  EXPECT_THROW(sent_bytes({8, 8, 2, 2, 2, 2, 2}, {4, 1}, 0), InputError);
  EXPECT_THROW(sent_bytes({3, 8, 4, 4, 2, 2, 2}, {1, 4}, 0), InputError);
  EXPECT_THROW(sent_bytes({8, 3, 4, 4, 2, 2, 2}, {1, 4}, 0), InputError);
  EXPECT_THROW(sent_bytes({8, 8, 4, 4, 2, 2, 2}, {3, 3}, 0), InputError);
  EXPECT_NO_THROW(sent_bytes({8, 8, 4, 4, 2, 2, 2}, {4, 2}, 0));
}

}  // namespace
}  // namespace vidattn
