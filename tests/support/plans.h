#pragma once

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "attention/plan.h"
#include "tests/support/inputs.h"

/// Plans of every shape, for tests that hold a device against the reference.
namespace vidattn {

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

inline std::vector<int32_t> shuffled(int64_t size, Generator& random) {
  std::vector<int32_t> order(size);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

/// Cuts [0, size) at random places; parts may be empty.
inline std::vector<std::pair<int32_t, int32_t>> random_parts(int32_t size, int parts,
                                                             Generator& random) {
  std::vector<int32_t> cuts{0, size};
  for (int i = 1; i < parts; ++i) cuts.push_back(static_cast<int32_t>(random() % (size + 1)));
  std::sort(cuts.begin(), cuts.end());
  std::vector<std::pair<int32_t, int32_t>> result;
  for (size_t i = 1; i < cuts.size(); ++i) result.emplace_back(cuts[i - 1], cuts[i]);
  return result;
}

/// Ranges with bands of every kind, of which some queries see nothing.
inline HeadTable banded_table(int32_t queries, int32_t keys, Generator& random) {
  HeadTable table;
  std::vector<std::pair<int32_t, int32_t>> parts = random_parts(queries, 5, random);
  std::shuffle(parts.begin(), parts.end(), random);
  for (const auto& [begin, end] : parts) {
    std::vector<KeyRange> ranges;
    for (const auto& [first, last] : random_parts(keys, 4, random)) {
      KeyRange range{first, last};
      const auto offset = [&] { return static_cast<int32_t>(random() % 40) - 20; };
      if (random() % 3 > 0) range.band_low = offset();
      if (random() % 3 > 0) range.band_high = offset();  // may lie below the lower end
      ranges.push_back(range);
    }
    table.add(begin, end, ranges);
  }
  return table;
}

/// Shuffled queries (some left out) and keys, ragged segments and ranges.
inline HeadTable ragged_table(int32_t queries, int32_t keys, Generator& random) {
  HeadTable table;
  auto query_order = shuffled(queries, random);
  query_order.resize(queries - queries / 10);
  auto key_order = shuffled(keys, random);
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

/// Every query row chooses some of the chunks of keys: one segment per chunk.
inline Branch chosen_chunks(int32_t length, int32_t chunks, bool shuffle, Generator& random) {
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

/// Weights of 0, 0.01, … 0.99.
inline std::vector<float> random_weights(int64_t count, Generator& random) {
  std::vector<float> weights(count);
  for (float& w : weights) w = static_cast<float>(random() % 100) * 0.01F;
  return weights;
}

/// Pooled operands, an output map for every one of two tables.
inline Branch pooled_branch(int64_t length, int64_t heads, int64_t dim, int64_t value_dim,
                            Generator& random) {
  Branch branch{.name = "pooled", .tables = {full_table(40, 33), full_table(30, 20)}};
  branch.prepared = {random_tensor(40, heads, dim, random), random_tensor(33, 1, dim, random),
                     random_tensor(33, 1, value_dim, random)};
  for (int t = 0; t < 2; ++t) {
    std::vector<int32_t> map(length);
    for (int32_t& row : map) row = static_cast<int32_t>(random() % 41) - 1;
    branch.output_map.push_back(map);
  }
  return branch;
}

/// Keys one by one and centroids with a bias and a slope of values, under one softmax: for
/// random_inputs(50, 50, 4, 2, 32, random). Some queries see none of the centroids.
inline Plan joined_centroids(Generator& random) {
  HeadTable centroids;
  centroids.add(0, 45, {{0, 3}, {5, 9}});
  Plan plan;
  plan.branches = {
      {.tables = {ragged_table(50, 50, random)}},
      {.prepared = {nullptr, random_tensor(9, 2, 32, random), random_tensor(9, 2, 32, random)},
       .key_bias = make_list(std::vector<float>(9, 2)),
       .joined = true,
       .value_slope = random_tensor(32, 2, 32, random),
       .tables = {centroids}}};
  return plan;
}

/// A plan with everything in it; it needs an even number of heads. `value_dim` 0 = dim.
inline Plan many_branches(int64_t length, int64_t heads, int64_t dim, Generator& random,
                          int64_t value_dim = 0) {
  if (value_dim == 0) value_dim = dim;
  const auto n = static_cast<int32_t>(length);
  const Array gate{{length, heads, value_dim}, random_weights(length * heads * value_dim, random)};
  Plan plan;
  plan.branches = {{.name = "per token",
                    .tables = {ragged_table(n, n, random)},
                    .weight = 0.5F,
                    .token_weight = make_list(random_weights(length, random))},
                   {.name = "per head",
                    .tables = {full_table(length, length)},
                    .token_weight = make_list(random_weights(length * heads, random))},
                   {.name = "per channel",
                    .tables = {ragged_table(n, n, random)},
                    .channel_weight = std::make_shared<const Array>(gate)},
                   chosen_chunks(n, 9, true, random),
                   pooled_branch(length, heads, dim, value_dim, random)};
  plan.constant = random_tensor(length, heads, value_dim, random);
  return plan;
}

}  // namespace vidattn
