#include "baselines/routing.h"

#include <omp.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "attention/blas.h"
#include "attention/parallel.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

// Rows of one matrix product. Fixed, because BLAS may round differently for other shapes.
constexpr int64_t kProductRows = 128;

// BLAS loses up to a quarter of its rate where the columns do not fill its vectors.
int64_t full_columns(int64_t blocks) { return (blocks + 15) / 16 * 16; }

std::vector<float> padded_rows(const HeadMatrix& matrix, int64_t rows) {
  std::vector<float> padded(rows * matrix.dim());
  for (int64_t i = 0; i < matrix.rows(); ++i)
    std::copy_n(matrix.row(i), matrix.dim(), &padded[i * matrix.dim()]);
  return padded;
}

int64_t batch_rows(int64_t blocks) {
  constexpr int64_t kGates = 1 << 18;
  return std::clamp<int64_t>(kGates / blocks / kProductRows, 1, 32) * kProductRows;
}

}  // namespace

Selection::Selection(int64_t queries, int64_t blocks)
    : queries_(queries), blocks_(blocks), words_((blocks + 63) / 64), bits_(queries * words_) {}

int64_t gate_bytes(int64_t blocks) {
  const int64_t columns = full_columns(blocks);
  return std::max(batch_rows(columns), omp_get_max_threads() * kProductRows) * columns * 4;
}

void gate_rows(const Tensor& q, int64_t head, const Tensor& means, int64_t mean_head, bool parallel,
               const std::function<void(int64_t, const float*)>& visit,
               const std::function<int64_t(int64_t)>& reach) {
  const int64_t columns = full_columns(means.length());
  const std::vector<float> mean = padded_rows(HeadMatrix(means, mean_head), columns);
  // Visited in order, a batch is multiplied by all threads before; else each visits its product
  // while that is in its cache.
  const int64_t batch = parallel ? q.length() : batch_rows(columns);
  std::vector<float> gates(parallel ? 0 : std::min(batch, q.length()) * columns);
  const auto multiply = [&](int64_t begin, int64_t end, float* product) {
    const HeadMatrix some(q, head, begin, end);
    const int64_t needed = reach ? full_columns(reach(end - 1)) : columns;
    gemm_nt(some.rows(), needed, q.dim(), some.row(0), some.stride(), mean.data(), q.dim(), product,
            columns);
  };
  const auto visit_rows = [&](int64_t begin, int64_t end, const float* product) {
    for (int64_t i = begin; i < end; ++i) visit(i, product + (i - begin) * columns);
  };
  for (int64_t begin = 0; begin < q.length(); begin += batch) {
    const int64_t end = std::min(begin + batch, q.length());
    RegionErrors errors;
#pragma omp parallel if (end - begin > kProductRows)
    {
      std::vector<float> own;
      const auto take = [&](int64_t r) {
        const int64_t last = std::min(end, r + kProductRows);
        if (!parallel) return multiply(r, last, &gates[(r - begin) * columns]);
        own.resize(kProductRows * columns);
        multiply(r, last, own.data());
        visit_rows(r, last, own.data());
      };
#pragma omp for schedule(dynamic)
      for (int64_t r = begin; r < end; r += kProductRows) errors.catching([&] { take(r); });
    }
    errors.rethrow();
    if (!parallel) visit_rows(begin, end, gates.data());
  }
}

namespace {

/// Queries whose gates a thread has at a time: a few products' rows, while they fit its cache.
int64_t tile_queries(int64_t blocks) {
  constexpr int64_t kGates = 1 << 16;
  return std::clamp<int64_t>(kGates / std::max<int64_t>(blocks, 1) / kProductRows, 1, 4) *
         kProductRows;
}

/// The choices of some queries at a time, for a few blocks each.
class GateTile {
 public:
  GateTile(const Tensor& q, int64_t head, const HeadMatrix& means, const Candidates& candidates,
           int64_t count, Selection& chosen)
      : q_(q),
        head_(head),
        means_(means),
        candidates_(candidates),
        count_(count),
        width_(tile_queries(means.rows())),
        gates_(means.rows() * width_),
        best_(count * width_),
        chosen_(chosen) {}

  void choose(int64_t begin, int64_t end) {
    const HeadMatrix queries(q_, head_, begin, end);
    // Blocks by queries: a query's gates stand in one lane of vectors. Blocks that no query of the
    // tile may choose are left out.
    gemm_nt(candidates_.last[end - 1], end - begin, q_.dim(), means_.row(0), means_.stride(),
            queries.row(0), queries.stride(), gates_.data(), width_);
    const int64_t done = column_largest(gates_.data(), end - begin, width_, candidates_.from(begin),
                                        count_, best_.data());
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i - begin, all = std::min(count_, candidates_.count(i));
      if (all < 1) continue;
      if (column >= done || best_[(all - 1) * width_ + column] < 0)
        choose_alone(i, column);
      else
        for (int64_t k = 0; k < all; ++k) chosen_.set(i, best_[k * width_ + column]);
    }
  }

 private:
  /// Of a query behind the last whole vector, or with gates that are no numbers.
  void choose_alone(int64_t query, int64_t column) {
    blocks_.clear();
    values_.clear();
    for (int32_t b = candidates_.first[query]; b < candidates_.last[query]; ++b) {
      if (b == candidates_.own[query]) continue;
      blocks_.push_back(b);
      values_.push_back(gates_[b * width_ + column]);
    }
    for (const int32_t kept : top_k(std::span<const float>(values_), count_))
      chosen_.set(query, blocks_[kept]);
  }

  const Tensor& q_;
  int64_t head_;
  const HeadMatrix& means_;
  const Candidates& candidates_;
  int64_t count_, width_;
  std::vector<float> gates_;   ///< [blocks, width_]
  std::vector<int32_t> best_;  ///< [count_, width_]
  Selection& chosen_;
  std::vector<int32_t> blocks_;
  std::vector<float> values_;
};

void choose_few(const Tensor& q, int64_t head, const HeadMatrix& means,
                const Candidates& candidates, int64_t count, Selection& chosen) {
  const int64_t width = tile_queries(means.rows());
  RegionErrors errors;
#pragma omp parallel if (q.length() > width)
  {
    std::optional<GateTile> tile;
#pragma omp for schedule(dynamic)
    for (int64_t begin = 0; begin < q.length(); begin += width)
      errors.catching([&] {
        if (!tile) tile.emplace(q, head, means, candidates, count, chosen);
        tile->choose(begin, std::min(q.length(), begin + width));
      });
  }
  errors.rethrow();
}

void choose_many(const Tensor& q, int64_t head, const Tensor& means, int64_t mean_head,
                 const Candidates& candidates, int64_t count, Selection& chosen) {
  const auto choose = [&](int64_t i, const float* gates) {
    const int32_t first = candidates.first[i], last = candidates.last[i], own = candidates.own[i];
    thread_local std::vector<int32_t> kept;  // not allocated for every query
    kept.resize(last - first);
    int64_t left = count;  // with one more in case the own is among them
    const int64_t found =
        top_k(std::span(gates + first, static_cast<size_t>(last - first)), left + 1, kept.data());
    for (int64_t c = 0; c < found; ++c)
      if (first + kept[c] != own && left-- > 0) chosen.set(i, first + kept[c]);
  };
  gate_rows(q, head, means, mean_head, true, choose, [&](int64_t i) { return candidates.last[i]; });
}

}  // namespace

int64_t choice_bytes(int64_t blocks) {
  return std::max(gate_bytes(blocks),
                  omp_get_max_threads() * tile_queries(blocks) * (blocks + kColumnFew) * 4);
}

Selection choose_by_gates(const Tensor& q, int64_t head, const Tensor& means, int64_t mean_head,
                          const Candidates& candidates, int64_t count) {
  Selection chosen(q.length(), means.length());
  if (count > kColumnFew)
    choose_many(q, head, means, mean_head, candidates, count, chosen);
  else if (count > 0)
    choose_few(q, head, HeadMatrix(means, mean_head), candidates, count, chosen);
  return chosen;
}

void append_selected(const Blocks& keys, const Selection& chosen, std::vector<int32_t>& order,
                     HeadTable& table) {
  std::vector<int64_t> next(keys.count() + 1);
  for (int64_t i = 0; i < chosen.queries(); ++i) chosen.each(i, [&](int64_t b) { ++next[b + 1]; });
  next[0] = static_cast<int64_t>(order.size());
  std::partial_sum(next.begin(), next.end(), next.begin());
  order.resize(position_after(next.back()));
  for (int64_t b = 0; b < keys.count(); ++b)
    if (next[b + 1] > next[b] && keys.size(b) > 0)
      table.add(static_cast<int32_t>(next[b]), static_cast<int32_t>(next[b + 1]),
                {{keys.start[b], keys.start[b + 1]}});
  for (int64_t i = 0; i < chosen.queries(); ++i)
    chosen.each(i, [&](int64_t b) { order[next[b]++] = static_cast<int32_t>(i); });
}

HeadTable own_and_selected(const Blocks& keys, const Selection& chosen, bool causal) {
  HeadTable table;
  // A token's position among these first queries is its position in the key order, so that "up to
  // itself" is the band 0.
  std::vector<int32_t> order = keys.order->host();
  const int32_t high = causal ? 0 : KeyRange::kNoHigh;
  for (int64_t b = 0; b < keys.count(); ++b)
    table.add(keys.start[b], keys.start[b + 1],
              {{keys.start[b], keys.start[b + 1], KeyRange::kNoLow, high}});
  append_selected(keys, chosen, order, table);
  table.query_order = make_order(std::move(order));
  table.key_order = keys.order;
  return table;
}

Array selection_array(const std::vector<Selection>& heads, const Blocks& keys) {
  const int64_t count = heads[0].blocks(), queries = heads[0].queries();
  std::vector<uint8_t> flags(heads.size() * queries * count);
  for (size_t h = 0; h < heads.size(); ++h)
    for (int64_t i = 0; i < queries; ++i) {
      uint8_t* row = &flags[(h * queries + i) * count];
      heads[h].each(i, [&](int64_t b) { row[b] = 1; });
      if (keys.label[i] >= 0) row[keys.label[i]] = 1;
    }
  return {{static_cast<int64_t>(heads.size()), queries, count}, std::move(flags)};
}

}  // namespace vidattn
