#include "baselines/routing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attention/cpu/units/simd.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::routing_test {
namespace {

TEST(Routing, GatesAreTheDotProductsWithTheMeansForAllTypes) {
  const Inputs in = random_inputs(300, 2, 8);
  const Tensor half = in.q->to(DType::bf16);
  const Tensor means = block_means(*in.k, run_blocks(300, 40));
  int64_t rows = 0;
  gate_rows(half, 1, means, 0, false, [&](int64_t i, const float* gates) {
    EXPECT_EQ(i, rows++);
    for (int64_t c = 0; c < means.length(); ++c) {
      double expected = 0;
      for (int64_t d = 0; d < 8; ++d) expected += double{half.at(i, 1, d)} * means.at(c, 0, d);
      EXPECT_NEAR(gates[c], expected, 1e-5);
    }
  });
  EXPECT_EQ(rows, 300);
}

TEST(Routing, GatesUpToTheReachOfAQueryAreThoseWithoutOne) {
  const Inputs in = random_inputs(700, 1, 16);
  const Tensor means = block_means(*in.k, run_blocks(700, 20));  // 35: not whole vectors
  const auto reach = [](int64_t i) { return i / 20; };           // 0 for the first queries
  for (bool parallel : {false, true}) {
    std::vector<std::vector<float>> all(700), some(700);
    gate_rows(*in.q, 0, means, 0, parallel,
              [&](int64_t i, const float* gates) { all[i].assign(gates, gates + reach(i)); });
    gate_rows(
        *in.q, 0, means, 0, parallel,
        [&](int64_t i, const float* gates) { some[i].assign(gates, gates + reach(i)); }, reach);
    for (int64_t i = 0; i < 700; ++i)
      for (int64_t c = 0; c < reach(i); ++c) EXPECT_NEAR(some[i][c], all[i][c], 1e-6);
  }
}

/// All candidates of a query by a stable sort of gates in float64, a NaN behind all numbers.
std::vector<int32_t> by_gates(const Inputs& in, const Tensor& means, int64_t query,
                              const Candidates& candidates) {
  std::vector<std::pair<double, int32_t>> gates;
  for (int32_t b = candidates.first[query]; b < candidates.last[query]; ++b) {
    if (b == candidates.own[query]) continue;
    double gate = 0;
    for (int64_t d = 0; d < in.dim(); ++d)
      gate += double{in.q->at(query, 1, d)} * means.at(b, 0, d);
    gates.emplace_back(std::isnan(gate) ? INFINITY : -gate, b);
  }
  std::stable_sort(gates.begin(), gates.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<int32_t> blocks;
  for (const auto& gate : gates) blocks.push_back(gate.second);
  return blocks;
}

/// Few and many, of a few blocks and of as many as tokens, on every instruction set; two blocks are
/// equal, one has no numbers.
TEST(Routing, ChoosesTheCandidatesOfLargestGates) {
  for (const auto& [length, size] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 4}, {15, 4}, {17, 2}, {700, 20}, {1300, 300}, {530, 1}}) {
    const Inputs in = random_inputs(length, 2, 16, length);
    Tensor means = block_means(*in.k, run_blocks(length, size));
    const int64_t blocks = means.length();
    for (int64_t d = 0; d < 16 && blocks > 8; ++d) {
      means.row(5, 0)[d] = means.row(2, 0)[d];
      means.row(3, 0)[d] = NAN;
    }
    std::vector<int32_t> first(length), last(length), own(length);
    for (int64_t i = 0; i < length; ++i) {
      last[i] = static_cast<int32_t>(blocks * (i + 1) / length);
      first[i] = std::min(last[i], static_cast<int32_t>(2 * i >= length ? blocks / 5 : 0));
      own[i] = static_cast<int32_t>(i % (blocks + 1));  // at times behind all
    }
    const Candidates candidates{first.data(), last.data(), own.data()};
    std::vector<std::vector<int32_t>> expected(length);
    for (int64_t i = 0; i < length; ++i) expected[i] = by_gates(in, means, i, candidates);
    for (const std::string& target : cpu_simd_targets()) {
      force_cpu_simd_target(target);
      for (const int64_t count : {0, 1, 2, 3, 8, 9, 40}) {
        const Selection chosen = choose_by_gates(*in.q, 1, means, 0, candidates, count);
        for (int64_t i = 0; i < length; ++i) {
          const int64_t all = std::min(count, std::ssize(expected[i]));
          std::vector<int32_t> want(expected[i].begin(), expected[i].begin() + all), got;
          std::sort(want.begin(), want.end());
          chosen.each(i, [&](int64_t b) { got.push_back(static_cast<int32_t>(b)); });
          ASSERT_EQ(got, want) << target << " " << length << " " << count << " token " << i;
        }
      }
    }
  }
  force_cpu_simd_target("");
}

TEST(Routing, TablesShowOwnAndChosenBlocks) {
  const int64_t length = 200;
  const Inputs in = random_inputs(length, 1, 4);
  std::vector<int32_t> label(length);
  for (int64_t i = 0; i < length; ++i) label[i] = static_cast<int32_t>(i * 37 % 71);  // scattered
  const Blocks blocks = make_blocks(label, 72);  // the last one is empty
  Selection chosen(length, 72);
  for (int64_t i = 0; i < length; ++i)
    for (int64_t b = 0; b < 72; ++b)
      if (b != label[i] && (i * b) % 5 == 1) chosen.set(i, b);
  for (bool causal : {false, true}) {
    Branch branch{.name = "routed",
                  .tables = {own_and_selected(blocks, chosen, causal)},
                  .repeats_queries = true};
    for (int64_t i = 0; i < length; ++i) {
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < length; ++j)
        if (label[j] == label[i] ? !causal || j <= i : chosen.test(i, label[j]))
          expected.push_back(j);
      EXPECT_EQ(visible_keys(branch, in, i, 0), expected) << i;
    }
  }
}

}  // namespace
}  // namespace vidattn::routing_test
