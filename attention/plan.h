#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attention/list.h"
#include "attention/tensor.h"
#include "attention/terms/features.h"
#include "attention/terms/pooling.h"

namespace vidattn {

struct Inputs;

/// Token indices in some order. Shared, because queries and keys often use the same one.
using Order = std::shared_ptr<const List<int32_t>>;

Order make_order(std::vector<int32_t> tokens);

/// A number of entries as a position behind them. Throws InputError when 32 bits do not hold it.
int32_t position_after(uint64_t entries);

/// Positions [begin, end) of a key order. A band narrows it per query: the query at position p of
/// the query order sees key position n only if p + band_low <= n <= p + band_high. That expresses
/// causal masks and sliding windows without one range per query.
struct KeyRange {
  static constexpr int32_t kNoLow = std::numeric_limits<int32_t>::min();
  static constexpr int32_t kNoHigh = std::numeric_limits<int32_t>::max();
  int32_t begin = 0, end = 0;
  int32_t band_low = kNoLow, band_high = kNoHigh;

  bool banded() const { return band_low != kNoLow || band_high != kNoHigh; }
  /// First key position that query position p sees.
  int64_t first(int64_t p) const {
    return band_low == kNoLow ? begin : std::max<int64_t>(begin, p + band_low);
  }
  /// One past the last key position that query position p sees; may be below first(p).
  int64_t last(int64_t p) const {
    return band_high == kNoHigh ? end : std::min<int64_t>(end, p + band_high + 1);
  }
};

/// Query positions [query_begin, query_end) attend to table.ranges[range_begin, range_end).
struct Segment {
  int32_t query_begin = 0, query_end = 0;
  int32_t range_begin = 0, range_end = 0;
};

/// Which keys each query of a head sees. The key ranges of a segment must not overlap.
struct HeadTable {
  Order query_order;  ///< query rows by position; null = identity
  Order key_order;    ///< key rows by position; null = identity
  std::vector<Segment> segments;
  std::vector<KeyRange> ranges;

  int64_t query_row(int64_t p) const { return query_order ? (*query_order)[p] : p; }
  int64_t key_row(int64_t n) const { return key_order ? (*key_order)[n] : n; }
  /// Appends a segment with its ranges.
  void add(int32_t query_begin, int32_t query_end, const std::vector<KeyRange>& key_ranges);
  /// Attended (query, key) pairs.
  int64_t pairs() const;
};

/// Tensors that a backend prepared in place of the call's own (pooled tiles, compressed keys).
/// Null members mean the call's own.
struct Operands {
  std::shared_ptr<const Tensor> q, k, v;
  /// Which of the call's own rows they are means of. Only a backward pass reads them, and refuses
  /// prepared operands without.
  PoolingMaps q_from, k_from, v_from;
};

/// What a branch attends with: q [rows,H,D], k [keys,HK,D] and v [keys,HK,DV].
struct Attended {
  const Tensor &q, &k, &v;
};

/// One softmax per query over one set of keys, or a share of one (`joined`).
struct Branch {
  std::string name;
  Operands prepared;
  /// Added to every score of a key, [keys]: log n makes a key that stands for n tokens, their
  /// centroid, weigh as much as n of its kind (PISA, Sol-Attn). Natural units; null = 0.
  std::shared_ptr<const List<float>> key_bias;
  /// Its keys and those of the branch before it are under one softmax. Each is attended by itself,
  /// with a LSE of its own, and the results are merged by their LSE, which is exact and copies no
  /// keys. Devices merge in the output: what is joined begins with the plan's first branch, without
  /// weights, in a plan without a constant.
  bool joined = false;
  /// [D,HK,DV] float32, matrices S: the value of every key is v + scale * S^T q for query q, the
  /// first-order term of PISA; null = v. Only with the call's own queries, without an output map.
  std::shared_ptr<const Tensor> value_slope;
  /// Which sets of the call's own keys and values the slope is of: the sum over their rows of
  /// sum_j (k_j - mean k) v_j^T, over LK. Only a backward pass reads it, and refuses a slope
  /// without.
  PoolingMaps slope_from;
  /// One table for all heads, or one per group of heads: head h uses table h * tables.size() / H.
  std::vector<HeadTable> tables;
  /// The same query row may stand in several segments of a table; its keys are the union of theirs
  /// (MoBA: one segment per chunk, holding the queries that chose it). The segments of one query
  /// must not share keys. When false every query row stands in at most one segment.
  bool repeats_queries = false;
  float weight = 1;  ///< of the whole branch (1/3 for the mean of three)
  std::shared_ptr<const List<float>> token_weight;  ///< [L] or [L,H] gate; null = 1
  std::shared_ptr<const Array> channel_weight;      ///< [L,H,DV] float32 gate; null = 1
  /// Query row whose result a token takes, [L] per table, -1 for none (output 0, LSE -inf). Empty =
  /// each token its own row.
  std::vector<std::vector<int32_t>> output_map;
  /// [H] pairs whose scores the method computes and of which it uses a part, the attended ones
  /// (Skip-Softmax); empty = just those.
  std::vector<int64_t> scored;

  /// The key biases in units of log2, as devices add them; empty where there are none.
  std::vector<float> key_bias_in_log2() const;
  /// The prepared tensors, and the call's own where there are none; they must outlive the result.
  Attended operands(const Inputs& in) const;
  const HeadTable& table(int64_t head, int64_t heads) const {
    return tables[table_index(head, heads)];
  }
  size_t table_index(int64_t head, int64_t heads) const {
    return static_cast<size_t>(head) * tables.size() / static_cast<size_t>(heads);
  }
  /// Product of branch and token weight; the channel weight is left to the caller.
  float weight_of(int64_t token, int64_t head, int64_t length, int64_t heads) const;
  /// Attended pairs of one head.
  int64_t pairs(int64_t head, int64_t heads) const { return table(head, heads).pairs(); }
};

/// Linear attention over all keys, added to what the branches give:
///   o_i += W * sum_j <q_i, k_j> v_j / (epsilon + sum_j <q_i, k_j>) + b
/// for features q, k of queries and keys that are not negative (SLA; Katharopoulos et al. 2020).
struct LinearTerm {
  std::string name;
  std::shared_ptr<const Tensor> q, k;        ///< [L,H,F], [LK,HK,F] float32
  FeatureMap map = FeatureMap::unknown;      ///< that made them of the call's own q and k
  float epsilon = 0;                         ///< keeps a query without features from 0/0
  std::vector<float> projection, bias = {};  ///< W [DV,DV] row-major and b [DV]; empty = I and 0
};

/// One part of the planning work, counted by the backend that did it.
struct PlanStage {
  std::string name;
  double seconds = 0;
  double flops = 0;   ///< 2 per multiply-add
  int64_t bytes = 0;  ///< scratch memory at its peak
};

/// What a backend decided. The output of token i is the weighted sum of the branches' softmax
/// results, the linear terms and the constant; everything reported about a method is read off this
/// object.
struct Plan {
  std::vector<Branch> branches;
  std::vector<LinearTerm> linear;
  std::shared_ptr<const Tensor> constant;  ///< [L,H,DV] float32 term added to the output; null = 0
  bool constant_of_call = false;  ///< it was made from this call's q, k, v: no backward pass
  std::vector<PlanStage> stages;
  std::map<std::string, double> figures;  ///< method's own numbers (balance loss, largest group …)
  /// Method's own arrays (group of each token, block map …), filled when Inputs::explain is set.
  /// NAME.unused marks entries of NAME that have no effect.
  std::map<std::string, Array> explained;

  /// Memory of orders, segments, ranges, gates and maps; what branches share counts once. Pooling
  /// maps, which a forward pass never reads, do not count.
  int64_t index_bytes() const;
  /// Memory of prepared operands.
  int64_t prepared_bytes() const;
  /// Throws std::logic_error, naming the branch, when an index, range or shape does not fit the
  /// inputs, a query row is repeated where repeats_queries is false, or a query would count a key
  /// twice: device and reference would agree on such a plan. Its time is linear in the plan's size
  /// (where a key order repeats rows, in the keys of all segments).
  void validate(const Inputs& in) const;
};

}  // namespace vidattn
