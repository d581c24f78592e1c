#pragma once

#include <cstdint>
#include <vector>

#include "attention/plan.h"
#include "baselines/blocks.h"

namespace vidattn {

/// The rows of a sequence that its blocks do not rule: they see every key as it is, and every query
/// sees theirs.
struct DenseSpan {
  int32_t begin = 0, end = 0;
};

/// Attention to some key blocks token by token and to all others through their centroids, under one
/// softmax (Sol-Attn, PISA): key j of a chosen block weighs exp(s_ij) with value v_j, block b that
/// was not chosen len_b * exp(<q_i, mean k>/sqrt(D)) with the mean of its values.
class CentroidPlan {
 public:
  /// `sequence` gives the token at every position (null = identity); block b is the positions
  /// [start[b], start[b+1]), of which means of keys and values are given, [blocks,HK,D]. Positions
  /// behind the last block up to `length`, and the queries of `dense`, are attended in full.
  CentroidPlan(Order sequence, std::vector<int32_t> start, int32_t length, const BlockMeans& means,
               DenseSpan dense = {});

  /// Adds a head: its queries of block a attend exactly to the blocks with map[a * n + b] set.
  void add_head(const uint8_t* map);

  /// The branches "exact" and "centroid", joined.
  std::vector<Branch> branches() &&;

 private:
  void add_exact(HeadTable& table, const uint8_t* row, int64_t block) const;
  /// Positions [begin, end) without the dense ones, in up to two pieces.
  void add_routed(HeadTable& table, int64_t block, const std::vector<KeyRange>& keys) const;
  int64_t count() const { return static_cast<int64_t>(start_.size()) - 1; }

  Order sequence_;
  std::vector<int32_t> start_;
  int32_t length_;
  DenseSpan dense_;
  Branch exact_, centroid_;
};

}  // namespace vidattn
