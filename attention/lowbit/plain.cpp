#include "attention/lowbit/plain.h"

#include <algorithm>
#include <cmath>

#include "attention/lowbit/seen_keys.h"

namespace vidattn {
namespace {

/// The value of E4M3 nearest to x, by its exponent.
float plain_e4m3(float x) {
  if (std::isnan(x)) return x;
  const double size = std::abs(double{x});
  const int exponent = size > 0 ? std::max(std::ilogb(size), -6) : -6;
  const double step = std::ldexp(1.0, exponent - 3);
  const double rounded = std::min(448.0, std::nearbyint(size / step) * step);
  return static_cast<float>(std::copysign(rounded, x));
}

/// Code times scale, in float32, of one value whose row or channel reaches `largest`.
float plain_value(float x, float largest, DType type) {
  const float limit = type == DType::int8 ? 127 : 448;
  const float scale = largest / limit;
  if (scale == 0) return 0;
  const float units = std::clamp(x / scale, -limit, limit);
  return scale * (type == DType::int8 ? std::nearbyint(units) : plain_e4m3(units));
}

std::vector<float> plain_means(const Tensor& k, const SeenKeys& seen) {
  std::vector<double> sums(k.heads() * k.dim()), count(k.heads());
  for (int64_t j = 0; j < k.length(); ++j)
    for (int64_t h = 0; h < k.heads(); ++h) {
      if (!seen(j, h)) continue;
      ++count[h];
      for (int64_t c = 0; c < k.dim(); ++c) sums[h * k.dim() + c] += k.at(j, h, c);
    }
  std::vector<float> means;
  for (int64_t at = 0; at < std::ssize(sums); ++at) {
    const double keys = count[at / k.dim()];
    means.push_back(static_cast<float>(keys > 0 ? sums[at] / keys : 0));
  }
  return means;
}

/// One row after the other; `means` [H,D] are taken off first, null = none.
std::shared_ptr<const Tensor> plain_rows(const Tensor& t, const float* means, DType type) {
  auto rounded = std::make_shared<Tensor>(t.length(), t.heads(), t.dim());
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < t.length(); ++i)
    for (int64_t h = 0; h < t.heads(); ++h) {
      float* row = rounded->row(i, h);
      t.read_row(i, h, row);
      float largest = 0;
      for (int64_t c = 0; c < t.dim(); ++c) {
        if (means != nullptr) row[c] -= means[h * t.dim() + c];
        largest = std::isfinite(row[c]) ? std::max(largest, std::abs(row[c])) : NAN;
        if (std::isnan(largest)) break;  // a row that is not finite stays without numbers
      }
      for (int64_t c = 0; c < t.dim(); ++c)
        row[c] = std::isnan(largest) ? NAN : plain_value(row[c], largest, type);
    }
  return rounded;
}

/// int8: bfloat16. fp8: one channel of a head after the other.
std::shared_ptr<const Tensor> plain_values(const Tensor& v, const SeenKeys& seen, DType type) {
  auto rounded = std::make_shared<Tensor>(v.length(), v.heads(), v.dim());
  std::vector<float> largest(v.heads() * v.dim());
  for (int64_t j = 0; j < v.length(); ++j)
    for (int64_t h = 0; h < v.heads(); ++h)
      for (int64_t c = 0; c < v.dim() && seen(j, h); ++c)
        largest[h * v.dim() + c] = std::max(largest[h * v.dim() + c], std::abs(v.at(j, h, c)));
#pragma omp parallel for schedule(static)
  for (int64_t j = 0; j < v.length(); ++j)
    for (int64_t h = 0; h < v.heads(); ++h)
      for (int64_t c = 0; c < v.dim(); ++c) {
        const float x = v.at(j, h, c);
        rounded->row(j, h)[c] = type == DType::int8
                                    ? static_cast<float>(BFloat16(x))
                                    : plain_value(x, largest[h * v.dim() + c], type);
      }
  return rounded;
}

}  // namespace

PlainLowBits::PlainLowBits(const Branch& branch, const Inputs& in) {
  if (!in.low_bits) return;
  const Attended given = branch.operands(in);
  const SeenKeys seen(branch, in.heads(), given.k.heads(), given.k.length());
  mean = plain_means(given.k, seen);
  q = plain_rows(given.q, nullptr, *in.low_bits);
  k = plain_rows(given.k, mean.data(), *in.low_bits);
  v = plain_values(given.v, seen, *in.low_bits);
}

double PlainLowBits::lse_offset(const std::vector<float>& query, int64_t kv_head,
                                double scale) const {
  if (mean.empty()) return 0;
  double dot = 0;
  const float* of_head = mean.data() + kv_head * static_cast<int64_t>(query.size());
  for (size_t c = 0; c < query.size(); ++c) dot += double{query[c]} * of_head[c];
  return scale * dot;
}

}  // namespace vidattn
