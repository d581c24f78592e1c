#include "baselines/blocks.h"

#include <algorithm>
#include <numeric>

#include "attention/blas.h"
#include "attention/error.h"
#include "attention/parallel.h"

namespace vidattn {

Blocks make_blocks(std::vector<int32_t> label, int64_t count) {
  Blocks blocks;
  blocks.start.resize(count + 1);
  for (int32_t b : label)
    if (b >= 0) ++blocks.start[b + 1];
  std::partial_sum(blocks.start.begin(), blocks.start.end(), blocks.start.begin());
  std::vector<int32_t> order(blocks.start.back()),
      next(blocks.start.begin(), blocks.start.end() - 1);
  for (size_t i = 0; i < label.size(); ++i)
    if (label[i] >= 0) order[next[label[i]]++] = static_cast<int32_t>(i);
  blocks.order = make_order(std::move(order));
  blocks.label = std::move(label);
  return blocks;
}

Blocks run_blocks(int64_t length, int64_t size) {
  std::vector<int32_t> label(length);
  for (int64_t i = 0; i < length; ++i) label[i] = static_cast<int32_t>(i / size);
  return make_blocks(std::move(label), (length + size - 1) / size);
}

Sizes tile_counts(const VideoGrid& grid, const Sizes& tile) {
  return {(grid.frames + tile[0] - 1) / tile[0], (grid.height + tile[1] - 1) / tile[1],
          (grid.width + tile[2] - 1) / tile[2]};
}

Blocks tile_blocks(const VideoGrid& grid, const Sizes& tile) {
  const auto n = tile_counts(grid, tile);
  std::vector<int32_t> label(grid.tokens(), -1);
  for (int64_t t = 0; t < grid.frames; ++t)
    for (int64_t y = 0; y < grid.height; ++y)
      for (int64_t x = 0; x < grid.width; ++x)
        label[grid.token(t, y, x)] =
            static_cast<int32_t>((t / tile[0] * n[1] + y / tile[1]) * n[2] + x / tile[2]);
  return make_blocks(std::move(label), n[0] * n[1] * n[2]);
}

namespace {

/// A row where it lies, or in `memory` after a conversion.
const float* float_row(const Tensor& rows, int64_t token, int64_t head, float* memory) {
  if (rows.dtype() == DType::f32) return rows.row(token, head);
  rows.read_row(token, head, memory);
  return memory;
}

/// Means of the heads [first_head, first_head + heads).
Tensor means_of_heads(const Tensor& rows, const Blocks& blocks, int64_t first_head, int64_t heads) {
  const int64_t dim = rows.dim();
  Tensor means(blocks.count(), heads, dim);
  RegionErrors errors;
  const auto steps = static_cast<double>(rows.length() * heads * dim);
#pragma omp parallel num_threads(threads_for(steps))
  {
    std::vector<float> row;
    std::vector<double> sum;
    const auto average = [&](int64_t b) {
      row.resize(dim);
      sum.resize(dim);
      for (int64_t h = 0; h < heads; ++h) {
        std::fill(sum.begin(), sum.end(), 0.0);
        for (int32_t p = blocks.start[b]; p < blocks.start[b + 1]; ++p) {
          const float* const values =
              float_row(rows, (*blocks.order)[p], first_head + h, row.data());
          for (int64_t c = 0; c < dim; ++c) sum[c] += values[c];
        }
        for (int64_t c = 0; c < dim && blocks.size(b) > 0; ++c)
          means.row(b, h)[c] = static_cast<float>(sum[c] / blocks.size(b));
      }
    };
#pragma omp for schedule(dynamic, 8)
    for (int64_t b = 0; b < blocks.count(); ++b) errors.catching([&] { average(b); });
  }
  errors.rethrow();
  return means;
}

}  // namespace

Tensor block_means(const Tensor& rows, const Blocks& blocks) {
  return means_of_heads(rows, blocks, 0, rows.heads());
}

Tensor block_means(const Tensor& rows, const Blocks& blocks, int64_t head) {
  return means_of_heads(rows, blocks, head, 1);
}

BlockMeans pool_blocks(const Inputs& in, const Blocks& blocks, const char* stage, Plan& plan) {
  const int64_t rows = in.heads() + 2 * in.kv_heads();
  const StageTimer timer(plan, stage, static_cast<double>(in.length() * rows * in.dim()));
  const auto mean = [&](const Tensor& tensor) {
    return std::make_shared<const Tensor>(block_means(tensor, blocks));
  };
  return {mean(*in.q), mean(*in.k), mean(*in.v), pooling_of(blocks)};
}

PoolingMaps pooling_of(const Blocks& blocks) {
  return std::make_shared<const std::vector<PoolingMap>>(
      std::vector<PoolingMap>{{blocks.order, blocks.start, nullptr}});
}

HeadMatrix::HeadMatrix(const Tensor& tensor, int64_t head)
    : HeadMatrix(tensor, head, 0, tensor.length()) {}

HeadMatrix::HeadMatrix(const Tensor& tensor, int64_t head, int64_t begin, int64_t end)
    : rows_(end - begin), dim_(tensor.dim()) {
  if (tensor.dtype() == DType::f32) {
    data_ = tensor.row(begin, head);
    stride_ = tensor.heads() * tensor.dim();
    return;
  }
  copy_.resize(rows_ * dim_);
  for (int64_t i = 0; i < rows_; ++i) tensor.read_row(begin + i, head, &copy_[i * dim_]);
  data_ = copy_.data();
  stride_ = dim_;
}

std::vector<float> scores(const HeadMatrix& a, const HeadMatrix& b, double scale) {
  std::vector<float> products(a.rows() * b.rows());
  gemm_nt(a.rows(), b.rows(), a.dim(), a.row(0), a.stride(), b.row(0), b.stride(), products.data(),
          b.rows(), static_cast<float>(scale));
  return products;
}

std::vector<uint8_t> choose_blocks(const HeadMatrix& a, const HeadMatrix& b, double scale,
                                   const ChooseBlocks& choose) {
  constexpr int64_t kRows = 256;
  std::vector<uint8_t> map(a.rows() * b.rows());
  std::vector<float> products(std::min(kRows, a.rows()) * b.rows());
  for (int64_t begin = 0; begin < a.rows(); begin += kRows) {
    const int64_t rows = std::min(kRows, a.rows() - begin);
    gemm_nt(rows, b.rows(), a.dim(), a.row(begin), a.stride(), b.row(0), b.stride(),
            products.data(), b.rows(), static_cast<float>(scale));
    RegionErrors errors;
    const double steps = 4.0 * static_cast<double>(rows * b.rows());
#pragma omp parallel for schedule(dynamic, 8) num_threads(threads_for(steps))
    for (int64_t r = 0; r < rows; ++r)
      errors.catching([&] {
        const std::span row(&products[r * b.rows()], static_cast<size_t>(b.rows()));
        for (int32_t kept : choose(begin + r, row)) map[(begin + r) * b.rows() + kept] = 1;
      });
    errors.rethrow();
  }
  return map;
}

HeadTable block_table(const Blocks& queries, const Blocks& keys, const uint8_t* map) {
  HeadTable table;
  table.query_order = queries.order;
  table.key_order = keys.order;
  std::vector<KeyRange> ranges;
  for (int64_t a = 0; a < queries.count(); ++a) {
    if (queries.size(a) == 0) continue;
    ranges.clear();
    for (int64_t b = 0; b < keys.count(); ++b) {
      if (!map[a * keys.count() + b] || keys.size(b) == 0) continue;
      if (!ranges.empty() && ranges.back().end == keys.start[b])
        ranges.back().end = keys.start[b + 1];
      else
        ranges.push_back({keys.start[b], keys.start[b + 1]});
    }
    table.add(queries.start[a], queries.start[a + 1], ranges);
  }
  return table;
}

HeadTable selection_table(const Blocks& keys, const uint8_t* select, int64_t queries) {
  std::vector<std::vector<int32_t>> lists(keys.count());
  for (int64_t b = 0; b < keys.count(); ++b)
    for (int64_t i = 0; i < queries; ++i)
      if (select[i * keys.count() + b]) lists[b].push_back(static_cast<int32_t>(i));
  HeadTable table;
  std::vector<int32_t> order;
  add_selection(keys, lists, false, table, order);
  table.query_order = make_order(std::move(order));
  table.key_order = keys.order;
  return table;
}

void add_selection(const Blocks& keys, const std::vector<std::vector<int32_t>>& queries,
                   bool causal, HeadTable& table, std::vector<int32_t>& order) {
  for (int64_t b = 0; b < keys.count(); ++b) {
    const auto& list = queries[b];
    const KeyRange range{keys.start[b], keys.start[b + 1]};
    if (list.empty() || range.begin == range.end) continue;
    const int32_t begin = position_after(order.size());
    const int32_t end = position_after(order.size() + list.size());
    order.insert(order.end(), list.begin(), list.end());
    // The block's own queries are consecutive, so one band ends each at its own key.
    const auto own =
        causal ? std::lower_bound(list.begin(), list.end(), range.end) - list.begin() : 0;
    const auto later = begin + static_cast<int32_t>(own);
    if (begin < later)
      table.add(begin, later, {{range.begin, range.end, KeyRange::kNoLow, list[0] - begin}});
    if (later < end) table.add(later, end, {range});
  }
}

std::vector<DensityKnob> with_smaller_blocks(const DensityKnob& knob, const std::string& param,
                                             int64_t size, int64_t least) {
  std::vector<DensityKnob> all{knob};
  for (int64_t smaller = size / 2; smaller >= least; smaller /= 2) {
    all.push_back(knob);
    all.back().settings.emplace_back(param, std::to_string(smaller));
  }
  return all;
}

}  // namespace vidattn
