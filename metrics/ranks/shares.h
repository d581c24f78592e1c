#pragma once

#include <cstdint>

#include "attention/inputs.h"

namespace vidattn {

/// Items [begin, end).
struct Share {
  int64_t begin = 0, end = 0;

  int64_t size() const { return end - begin; }
  bool operator==(const Share&) const = default;
};

/// Which of `items` a rank has: consecutive ones, of which the first items % ranks ranks have one
/// more than the others. Ranks beyond the items have none.
Share share_of(int64_t items, int64_t ranks, int64_t rank);

/// Ranks of sequence parallelism: `ring` groups of `ulysses` ranks (USP, arXiv:2405.07719). Inside
/// a group heads are scattered for the attention (Ulysses, arXiv:2309.14509), between the groups
/// keys and values travel (ring attention, arXiv:2310.01889). P x 1 is Ulysses alone, 1 x P a ring.
/// Rank group * ulysses + place holds the share of tokens of its number.
struct RankGrid {
  int64_t ulysses = 1, ring = 1;

  int64_t ranks() const { return ulysses * ring; }
  int64_t group(int64_t rank) const { return rank / ulysses; }
  int64_t place(int64_t rank) const { return rank % ulysses; }
  /// Of a sequence, at home: before the heads are scattered and after they are back.
  Share tokens(int64_t length, int64_t rank) const { return share_of(length, ranks(), rank); }
  /// Of a sequence, in the attention: those of the rank's whole group.
  Share block(int64_t length, int64_t group) const;
  /// Query heads that a rank attends with.
  Share heads(int64_t heads, int64_t rank) const { return share_of(heads, ulysses, place(rank)); }
};

/// The sizes of a call that its traffic depends on.
struct CallSize {
  int64_t queries, keys;    ///< tokens, L and LK
  int64_t heads, kv_heads;  ///< kv_heads divides heads
  int64_t dim, value_dim;   ///< of a head
  int64_t bytes;            ///< of a number

  static CallSize of(const Inputs& in, int64_t bytes_of_number);
  /// Heads of keys and values that query heads need: two ranks both get one that both need.
  Share kv_heads_of(Share query_heads) const;
};

/// What a rank sends in one attention call, in bytes: what it keeps is not sent.
struct SentBytes {
  int64_t q = 0, k = 0, v = 0, o = 0;

  int64_t total() const { return q + k + v + o; }
};

/// Of the forward pass. All-to-all inside a group: of its own tokens a rank sends every other rank
/// that one's heads of q, k and v, and of its own heads the output of that one's tokens. Ring
/// between the groups: of its heads' keys and values a rank sends on every block but the one that
/// the next rank had at first. Throws InputError for more ranks than there are heads (inside a
/// group), queries or keys.
SentBytes sent_bytes(const CallSize& call, RankGrid grid, int64_t rank);
/// Of these the keys and values that travel around the ring.
SentBytes ring_bytes(const CallSize& call, RankGrid grid, int64_t rank);

/// Throws the InputError of sent_bytes().
void require_ranks(const CallSize& call, RankGrid grid);

/// What a rank sends to tell every other one of `own` bytes.
inline int64_t all_gather_bytes(int64_t own, int64_t ranks) { return own * (ranks - 1); }

}  // namespace vidattn
