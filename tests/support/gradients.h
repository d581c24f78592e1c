#pragma once

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <memory>
#include <vector>

#include "attention/device.h"
#include "tests/support/plans.h"

/// Plans with gradients, and how far gradients are apart.
namespace vidattn {

/// Rows that are means of tokens, or weighted sums where `weighted`; the last row is of none.
inline PoolingMaps random_pooling(int64_t rows, int64_t tokens, bool weighted, Generator& random) {
  PoolingMap map{make_order(shuffled(tokens, random)), {}, nullptr};
  for (const auto& [begin, end] :
       random_parts(static_cast<int32_t>(tokens), static_cast<int>(rows) - 1, random))
    map.start.push_back(begin);
  map.start.push_back(static_cast<int32_t>(tokens));
  map.start.push_back(static_cast<int32_t>(tokens));
  if (weighted) {
    std::vector<float> weights(tokens);
    for (int64_t r = 0; r < map.rows(); ++r) {
      float sum = 0;
      for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i)
        sum += weights[i] = 1 + static_cast<float>(random() % 100) * 0.01F;
      for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i) weights[i] /= sum;
    }
    map.weight = make_list(weights);
  }
  return std::make_shared<const std::vector<PoolingMap>>(std::vector{map});
}

/// A linear term over the call's own queries and keys.
inline LinearTerm random_linear_term(const Inputs& in, FeatureMap map,
                                     const std::vector<float>& projection = {},
                                     const std::vector<float>& bias = {}) {
  return {.name = "linear",
          .q = features(*in.q, map),
          .k = features(*in.k, map),
          .map = map,
          .epsilon = 0.5F,
          .projection = projection,
          .bias = bias};
}

/// What the maps make of a tensor.
inline std::shared_ptr<const Tensor> pool(const Tensor& own, const PoolingMaps& maps) {
  const PoolingMap& first = maps->front();
  auto pooled = std::make_shared<Tensor>(first.rows(), own.heads(), own.dim());
  for (int64_t h = 0; h < own.heads(); ++h) {
    const PoolingMap& map = (*maps)[h * maps->size() / own.heads()];
    for (int64_t r = 0; r < map.rows(); ++r)
      for (int64_t c = 0; c < own.dim(); ++c) {
        double sum = 0;
        for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i)
          sum += double{map.weight_at(r, i)} * own.at((*map.tokens)[i], h, c);
        pooled->row(r, h)[c] = static_cast<float>(sum);
      }
  }
  return pooled;
}

/// Operands pooled from the call's own, and an output map: VSA's coarse branch.
struct Pooling {
  PoolingMaps q, k, v;
  std::vector<int32_t> map;

  Pooling(int64_t queries, int64_t keys, int64_t rows, Generator& random)
      : q(random_pooling(rows, queries, false, random)),
        k(random_pooling(rows + 2, keys, true, random)),
        v(random_pooling(rows + 2, keys, false, random)) {
    for (int64_t i = 0; i < queries; ++i)
      map.push_back(static_cast<int32_t>(random() % (rows + 1)) - 1);
  }
  Branch branch(const Inputs& in) const {
    return {.name = "pooled",
            .prepared = {pool(*in.q, q), pool(*in.k, k), pool(*in.v, v), q, k, v},
            .tables = {full_table(q->front().rows(), k->front().rows())},
            .output_map = {map}};
  }
};

/// Makes thousands of tiny runs not wait for threads.
class OneThread {
 public:
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

/// |a - b| / |b| over all values; |a| where b is zero.
template <class A, class B>
double gradient_error(const A& a, const B& b) {
  EXPECT_EQ(std::size(a), std::size(b));
  double difference = 0, norm = 0;
  for (size_t i = 0; i < std::size(b); ++i) {
    difference += std::pow(double{a[i]} - double{b[i]}, 2);
    norm += std::pow(double{b[i]}, 2);
  }
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

inline std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.size()};
}

/// The gradients that a device gives for a plan, of an upstream gradient.
inline Gradients gradients_on(const Device& device, const Plan& plan, const Inputs& in,
                              const Tensor& d_o) {
  plan.validate(in);
  Output out;
  out.keep = true;
  device.run(plan, in, out);
  Gradients gradients;
  device.backward(plan, in, out, d_o, gradients);
  return gradients;
}

/// sum over the sets of the maps of sum_j (k_j - mean k) v_j^T / LK, [D,HK,DV].
inline std::shared_ptr<const Tensor> slope_of(const Inputs& in, const PoolingMaps& maps) {
  const auto means = pool(*in.k, maps);
  auto slope = std::make_shared<Tensor>(in.dim(), in.kv_heads(), in.value_dim());
  const PoolingMap& map = maps->front();
  for (int64_t h = 0; h < in.kv_heads(); ++h)
    for (int64_t r = 0; r < map.rows(); ++r)
      for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i)
        for (int64_t d = 0; d < in.dim(); ++d)
          for (int64_t c = 0; c < in.value_dim(); ++c)
            slope->row(d, h)[c] += (in.k->at((*map.tokens)[i], h, d) - means->at(r, h, d)) *
                                   in.v->at((*map.tokens)[i], h, c) / static_cast<float>(in.keys());
  return slope;
}

/// Keys one by one, by `exact`, and means of the maps' sets with a bias each, by `means`, under one
/// softmax: PISA and Sol-Attn without the slope.
inline Plan joined_means(const Inputs& in, const PoolingMaps& maps, const HeadTable& exact,
                         const HeadTable& means, const std::vector<float>& bias) {
  Plan plan = one_branch({.name = "exact", .tables = {exact}});
  plan.branches.push_back(
      {.name = "centroid",
       .prepared = {nullptr, pool(*in.k, maps), pool(*in.v, maps), nullptr, maps, maps},
       .key_bias = make_list(bias),
       .joined = true,
       .tables = {means}});
  return plan;
}

/// The first keys one by one, the means of all with a slope, under one softmax (PISA); the maps
/// have four rows.
inline Plan sloped_plan(const Inputs& in, const PoolingMaps& maps) {
  const auto length = static_cast<int32_t>(in.length());
  HeadTable exact, means;
  exact.add(0, length, {{0, static_cast<int32_t>(in.keys()) / 2}});
  means.add(0, length / 2, {{0, 2}});
  means.add(length / 2, length, {{1, 4}});
  Plan plan = joined_means(in, maps, exact, means, {0.5F, 1.5F, 0.25F, 1});
  plan.branches[1].value_slope = slope_of(in, maps);
  plan.branches[1].slope_from = maps;
  return plan;
}

}  // namespace vidattn
