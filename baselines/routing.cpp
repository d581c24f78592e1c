#include "baselines/routing.h"

#include <omp.h>

#include <algorithm>
#include <numeric>

#include "attention/blas.h"
#include "attention/parallel.h"

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
