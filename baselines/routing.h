#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "attention/plan.h"
#include "attention/tensor.h"
#include "baselines/blocks.h"
#include "baselines/column_largest.h"

namespace vidattn {

/// The blocks that every single query of a head chose, one bit each. Queries may be written by
/// different threads.
class Selection {
 public:
  Selection(int64_t queries, int64_t blocks);
  void set(int64_t query, int64_t block) { row(query)[block / 64] |= uint64_t{1} << (block % 64); }
  bool test(int64_t query, int64_t block) const {
    return (row(query)[block / 64] >> (block % 64) & 1) != 0;
  }
  int64_t queries() const { return queries_; }
  int64_t blocks() const { return blocks_; }
  static int64_t bytes(int64_t queries, int64_t blocks) {
    return queries * ((blocks + 63) / 64) * 8;
  }
  /// Calls visit(block) for the chosen blocks, ascending.
  template <class Visit>
  void each(int64_t query, Visit&& visit) const {
    for (int64_t w = 0; w < words_; ++w)
      for (uint64_t bits = row(query)[w]; bits != 0; bits &= bits - 1)
        visit(w * 64 + __builtin_ctzll(bits));
  }

 private:
  uint64_t* row(int64_t query) { return &bits_[query * words_]; }
  const uint64_t* row(int64_t query) const { return &bits_[query * words_]; }
  int64_t queries_, blocks_, words_;
  std::vector<uint64_t> bits_;
};

/// Calls visit(query, gates) for every token, gates[c] = <q_i, means_c> for one query head and one
/// head of the block means [C,HK,D]. Gates exist for a batch of queries at a time (gate_bytes).
/// Rows come in ascending order, or from several threads at once where `parallel`; the gates do not
/// depend on the number of threads. Gates from reach(query) on, which never falls with the query,
/// are not needed and may be left out; by default all are needed.
void gate_rows(const Tensor& q, int64_t head, const Tensor& means, int64_t mean_head, bool parallel,
               const std::function<void(int64_t query, const float* gates)>& visit,
               const std::function<int64_t(int64_t query)>& reach = nullptr);

/// Scratch memory of gate_rows.
int64_t gate_bytes(int64_t blocks);

/// For every token the `count` candidates, or all, with the largest gates as in gate_rows; ties to
/// the lower block, a NaN is smaller than every number. candidates.last never falls with the token.
Selection choose_by_gates(const Tensor& q, int64_t head, const Tensor& means, int64_t mean_head,
                          const Candidates& candidates, int64_t count);

/// Scratch memory of choose_by_gates, without its result.
int64_t choice_bytes(int64_t blocks);

/// Appends, for every block that was chosen, one segment with the queries that chose it. `order` is
/// the query order that the table will get. For branches with repeats_queries.
void append_selected(const Blocks& keys, const Selection& chosen, std::vector<int32_t>& order,
                     HeadTable& table);

/// Every token sees its own block (where `causal` only up to itself) and the blocks that it chose,
/// which must not contain its own. For branches with repeats_queries.
HeadTable own_and_selected(const Blocks& keys, const Selection& chosen, bool causal);

/// [heads, queries, blocks] 0/1: the chosen blocks and the query's own.
Array selection_array(const std::vector<Selection>& heads, const Blocks& keys);

}  // namespace vidattn
