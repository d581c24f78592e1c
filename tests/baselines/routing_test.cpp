#include "baselines/routing.h"

#include <gtest/gtest.h>

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
