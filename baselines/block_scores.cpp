#include "baselines/block_scores.h"

#include <algorithm>
#include <array>

#include "attention/parallel.h"

namespace vidattn {
namespace {

template <class T>
void append_part(const std::string& name, const std::vector<int64_t>& shape,
                 const std::vector<T>& part, Plan& plan) {
  Array& array = plan.explained[name];
  if (array.shape.empty()) array = {shape, std::vector<T>()};
  auto& values = std::get<std::vector<T>>(array.values);
  values.insert(values.end(), part.begin(), part.end());
}

}  // namespace

double dot_in_order(const float* a, const float* b, int64_t dim) {
  constexpr int64_t kLanes = 8;  // sums beside each other, for the vector units
  std::array<double, kLanes> sums = {};
  int64_t c = 0;
  for (; c + kLanes <= dim; c += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      sums[lane] += double{a[c + lane]} * double{b[c + lane]};
  for (; c < dim; ++c) sums[0] += double{a[c]} * double{b[c]};
  double sum = 0;
  for (const double lane : sums) sum += lane;
  return sum;
}

std::vector<uint8_t> keep_blocks(const HeadMatrix& a, const HeadMatrix& b, double scale,
                                 const KeepBlocks& keep, std::vector<float>* scores) {
  const int64_t keys = b.rows();
  std::vector<uint8_t> map(a.rows() * keys);
  if (scores != nullptr) scores->resize(map.size());
  RegionErrors errors;
#pragma omp parallel
  {
    std::vector<double> row;
    const auto choose = [&](int64_t i) {
      row.resize(keys);
      for (int64_t j = 0; j < keys; ++j) row[j] = scale * dot_in_order(a.row(i), b.row(j), a.dim());
      for (const int32_t kept : keep(i, row)) map[i * keys + kept] = 1;
      if (scores != nullptr) std::copy(row.begin(), row.end(), scores->begin() + i * keys);
    };
#pragma omp for schedule(dynamic, 8)
    for (int64_t i = 0; i < a.rows(); ++i) errors.catching([&] { choose(i); });
  }
  errors.rethrow();
  return map;
}

void explain_head(const std::string& name, const std::vector<int64_t>& shape,
                  const std::vector<uint8_t>& part, Plan& plan) {
  append_part(name, shape, part, plan);
}
void explain_head(const std::string& name, const std::vector<int64_t>& shape,
                  const std::vector<float>& part, Plan& plan) {
  append_part(name, shape, part, plan);
}

double score_flops(int64_t query_blocks, int64_t key_blocks, int64_t dim) {
  return 2.0 * static_cast<double>(query_blocks) * static_cast<double>(key_blocks) *
         static_cast<double>(dim);
}

}  // namespace vidattn
