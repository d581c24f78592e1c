#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "attention/device.h"

/// Plans of every shape, for tests that hold a device against the reference.
namespace vidattn {

using Random = std::mt19937;

inline std::shared_ptr<Tensor> random_tensor(int64_t length, int64_t heads, int64_t dim,
                                             Random& random, float deviation = 1) {
  auto t = std::make_shared<Tensor>(length, heads, dim);
  std::normal_distribution<float> normal(0, deviation);
  for (int64_t i = 0; i < t->size(); ++i) t->data<float>()[i] = normal(random);
  return t;
}

inline Inputs random_inputs(int64_t queries, int64_t keys, int64_t heads, int64_t kv_heads,
                            int64_t dim, Random& random, float deviation = 1) {
  Inputs in;
  in.q = random_tensor(queries, heads, dim, random, deviation);
  in.k = random_tensor(keys, kv_heads, dim, random);
  in.v = random_tensor(keys, kv_heads, dim, random);
  return in;
}

inline Inputs as(const Inputs& in, DType type) {
  Inputs other = in;
  other.q = std::make_shared<Tensor>(in.q->to(type));
  other.k = std::make_shared<Tensor>(in.k->to(type));
  other.v = std::make_shared<Tensor>(in.v->to(type));
  return other;
}

inline Plan one_branch(Branch branch) {
  Plan plan;
  plan.branches.push_back(std::move(branch));
  return plan;
}

inline HeadTable full_table(int64_t queries, int64_t keys) {
  HeadTable table;
  table.add(0, static_cast<int32_t>(queries), {{0, static_cast<int32_t>(keys)}});
  return table;
}

inline std::vector<int32_t> shuffled(int64_t size, Random& random) {
  std::vector<int32_t> order(size);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

/// Cuts [0, size) at random places; parts may be empty.
inline std::vector<std::pair<int32_t, int32_t>> random_parts(int32_t size, int parts,
                                                             Random& random) {
  std::vector<int32_t> cuts{0, size};
  for (int i = 1; i < parts; ++i) cuts.push_back(static_cast<int32_t>(random() % (size + 1)));
  std::sort(cuts.begin(), cuts.end());
  std::vector<std::pair<int32_t, int32_t>> result;
  for (size_t i = 1; i < cuts.size(); ++i) result.emplace_back(cuts[i - 1], cuts[i]);
  return result;
}

/// Shuffled queries and keys (some left out, some keys twice), ragged segments and ranges.
inline HeadTable ragged_table(int32_t queries, int32_t keys, Random& random) {
  HeadTable table;
  auto query_order = shuffled(queries, random);
  query_order.resize(queries - queries / 10);
  auto key_order = shuffled(keys, random);
  for (int i = 0; i < keys / 8; ++i) key_order[random() % keys] = key_order[random() % keys];
  const auto query_parts = random_parts(static_cast<int32_t>(query_order.size()), 7, random);
  for (const auto& [begin, end] : query_parts) {
    std::vector<KeyRange> ranges;
    for (const auto& [first, last] : random_parts(keys, 9, random))
      if (random() % 2) ranges.push_back({first, last});
    table.add(begin, end, ranges);
  }
  table.query_order = make_order(std::move(query_order));
  table.key_order = make_order(std::move(key_order));
  return table;
}

inline double relative_error(const Tensor& a, const Tensor& b) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < a.length(); ++i)
    for (int64_t h = 0; h < a.heads(); ++h)
      for (int64_t c = 0; c < a.dim(); ++c) {
        const double d = double{a.at(i, h, c)} - double{b.at(i, h, c)};
        difference += d * d;
        norm += double{b.at(i, h, c)} * double{b.at(i, h, c)};
      }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

inline void expect_same_lse(const Output& got, const Output& want, float tolerance) {
  for (size_t b = 0; b < want.lse.size(); ++b)
    for (size_t i = 0; i < want.lse[b].size(); ++i) {
      if (std::isinf(want.lse[b][i]))
        ASSERT_EQ(got.lse[b][i], want.lse[b][i]) << "branch " << b << " row " << i;
      else
        ASSERT_NEAR(got.lse[b][i], want.lse[b][i], tolerance * (1 + std::abs(want.lse[b][i])))
            << "branch " << b << " row " << i;
    }
}

/// Every query row chooses some of the chunks of keys: one segment per chunk.
inline Branch chosen_chunks(int32_t length, int32_t chunks, bool shuffle, Random& random) {
  Branch branch{.repeats_queries = true};
  std::vector<int32_t> queries;
  HeadTable table;
  for (const auto& [begin, end] : random_parts(length, chunks, random)) {
    const auto first = static_cast<int32_t>(queries.size());
    for (int32_t row = 0; row < length; ++row)
      if (random() % 3 == 0) queries.push_back(row);
    if (shuffle) std::shuffle(queries.begin() + first, queries.end(), random);
    table.add(first, static_cast<int32_t>(queries.size()), {{begin, end}});
  }
  table.query_order = make_order(queries);
  table.key_order = make_order(shuffled(length, random));
  branch.tables = {table};
  return branch;
}

}  // namespace vidattn
