#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/lowbit/operands.h"
#include "attention/lowbit/rounding.h"
#include "attention/lowbit/thread_rows.h"

namespace vidattn {
namespace {

constexpr int64_t kCodesPerElement = 4, kWholeRow = 64;  // a row of an AMX tile has 64 codes

/// Calls take(row, token, head) with every row as float32, its mean taken off, by all threads.
template <class Take>
void each_row(const Tensor& t, const float* mean, const Take& take) {
  const ThreadRows scratch(t.dim());
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < t.length(); ++i)
    for (int64_t h = 0; h < t.heads(); ++h) {
      float* row = scratch.own();
      t.read_row(i, h, row);
      for (int64_t c = 0; c < t.dim() && mean != nullptr; ++c) row[c] -= mean[h * t.dim() + c];
      take(row, i, h);
    }
}

/// Scale that brings a row's largest element to `limit`; NaN for a row that is not finite.
float scale_of(const float* row, int64_t size, float limit) {
  float largest = 0, finite = 0;  // 0 * x is NaN where x is not finite
#pragma omp simd reduction(max : largest) reduction(+ : finite)
  for (int64_t c = 0; c < size; ++c) {
    largest = std::max(largest, std::abs(row[c]));
    finite += 0 * row[c];
  }
  return largest / limit + finite;
}

float code_int8(float x, float scale) {
  const float units = x / scale, low = units < kInt8Largest ? units : kInt8Largest;
  return round_even(low > -kInt8Largest ? low : -kInt8Largest);
}

/// Largest |value| of every channel among the seen keys, [HK,DV].
std::vector<float> channel_largest(const Tensor& v, const SeenKeys& seen) {
  const int64_t width = v.heads() * v.dim();
  std::vector<std::vector<float>> parts(omp_get_max_threads(), std::vector<float>(width));
  const ThreadRows scratch(v.dim());
#pragma omp parallel for schedule(static)
  for (int64_t j = 0; j < v.length(); ++j)
    for (int64_t h = 0; h < v.heads(); ++h) {
      if (!seen(j, h)) continue;
      float *row = scratch.own(), *largest = &parts[omp_get_thread_num()][h * v.dim()];
      v.read_row(j, h, row);
      for (int64_t c = 0; c < v.dim(); ++c) largest[c] = std::max(largest[c], std::abs(row[c]));
    }
  for (const std::vector<float>& part : parts)
    for (int64_t c = 0; c < width; ++c) parts[0][c] = std::max(parts[0][c], part[c]);
  return std::move(parts[0]);
}

}  // namespace

Int8Rows pack_int8(const Tensor& rows, const float* mean) {
  const int64_t count = rows.length() * rows.heads(), dim = rows.dim();
  const int64_t width = (dim + kWholeRow - 1) / kWholeRow * kWholeRow / kCodesPerElement;
  Int8Rows made{Tensor(rows.length(), rows.heads(), width), std::vector<float>(count),
                std::vector<int32_t>(count)};
  each_row(rows, mean, [&](const float* row, int64_t token, int64_t head) {
    const int64_t at = token * rows.heads() + head;
    const float scale = scale_of(row, dim, kInt8Largest);
    made.scale[at] = scale;
    if (!(scale > 0)) return;
    auto* codes = made.packed.data<int8_t>() + made.packed.offset(token, head) * kCodesPerElement;
    int32_t sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < dim; ++c) {
      const auto code = static_cast<int32_t>(code_int8(row[c], scale));
      codes[c] = static_cast<int8_t>(code);
      sum += code;
    }
    made.sum[at] = sum;
  });
  return made;
}

Tensor round_rows(const Tensor& rows, const float* mean, DType type) {
  Tensor made(rows.length(), rows.heads(), rows.dim());
  const bool int8 = type == DType::int8;
  each_row(rows, mean, [&](const float* row, int64_t token, int64_t head) {
    const float scale = scale_of(row, rows.dim(), int8 ? kInt8Largest : kE4M3Largest);
    float* to = made.row(token, head);
    if (std::isnan(scale)) std::fill_n(to, rows.dim(), std::numeric_limits<float>::quiet_NaN());
    if (!(scale > 0)) return;
    if (int8)
      for (int64_t c = 0; c < rows.dim(); ++c) to[c] = scale * code_int8(row[c], scale);
    else
      for (int64_t c = 0; c < rows.dim(); ++c) to[c] = scale * round_e4m3(row[c] / scale);
  });
  return made;
}

Tensor round_values(const Tensor& v, const SeenKeys& seen, DType type) {
  const bool int8 = type == DType::int8;
  Tensor made(v.length(), v.heads(), v.dim(), int8 ? DType::bf16 : DType::f32);
  const std::vector<float> largest = int8 ? std::vector<float>() : channel_largest(v, seen);
  each_row(v, nullptr, [&](float* row, int64_t token, int64_t head) {
    for (int64_t c = 0; c < v.dim() && !int8; ++c) {
      const float scale = largest[head * v.dim() + c] / kE4M3Largest;
      row[c] = scale > 0 ? scale * round_e4m3(row[c] / scale) : 0;
    }
    made.write_row(token, head, row);
  });
  return made;
}

std::vector<float> seen_means(const Tensor& k, const SeenKeys& seen) {
  constexpr int64_t kRows = 1024;  // summed one by one, then the parts: equal for any threads
  const int64_t width = k.heads() * k.dim(), parts = (k.length() + kRows - 1) / kRows;
  std::vector<double> sums(parts * width);
  const ThreadRows scratch(k.dim());
#pragma omp parallel for schedule(dynamic)
  for (int64_t part = 0; part < parts; ++part)
    for (int64_t j = part * kRows; j < std::min(k.length(), (part + 1) * kRows); ++j)
      for (int64_t h = 0; h < k.heads(); ++h) {
        if (!seen(j, h)) continue;
        float* row = scratch.own();
        k.read_row(j, h, row);
        double* sum = &sums[part * width + h * k.dim()];
        for (int64_t c = 0; c < k.dim(); ++c) sum[c] += row[c];
      }
  std::vector<float> means(width);
  for (int64_t h = 0; h < k.heads(); ++h) {
    const auto& mask = seen.of(h);
    const auto count = static_cast<double>(std::count(mask.begin(), mask.end(), 1));
    for (int64_t c = h * k.dim(); c < (h + 1) * k.dim() && count > 0; ++c) {
      double sum = 0;
      for (int64_t part = 0; part < parts; ++part) sum += sums[part * width + c];
      means[c] = static_cast<float>(sum / count);
    }
  }
  return means;
}

}  // namespace vidattn
