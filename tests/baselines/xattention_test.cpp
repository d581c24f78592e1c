#include <gtest/gtest.h>

#include "attention/backend.h"
#include "tests/support/block_maps.h"
#include "tests/support/inputs.h"

namespace vidattn::xattention_test {
namespace {

const Backend& xattention() { return find_backend("xattention"); }

/// A[a][b] of one head by definition: plain loops over antidiagonals.
Rows slow_masses_of_groups(const Inputs& in, int64_t head, int64_t block, int64_t s, double norm) {
  const int64_t length = in.length(), groups = (length + s - 1) / s,
                n = (length + block - 1) / block;
  Rows sums(n, std::vector<double>(n));
  for (int64_t g = 0; g < groups; ++g) {
    std::vector<double> e(groups);
    for (int64_t to = 0; to < groups; ++to)
      for (int64_t i = 0; i < s; ++i) {
        const int64_t query = g * s + s - 1 - i, key = to * s + i;
        for (int64_t c = 0; c < in.dim() && query < length && key < length; ++c)
          e[to] += double{in.q->at(query, head, c)} * in.k->at(key, in.kv_head(head), c) *
                   in.softmax_scale() / (static_cast<double>(s) * norm);
      }
    e = slow_softmax(e);
    for (int64_t to = 0; to < groups; ++to) sums[g * s / block][to * s / block] += e[to];
  }
  return sums;
}

bool kept(const std::vector<double>& row, size_t b, double threshold) {
  double before = 0, all = 0;
  const int64_t rank = rank_of(row, b);
  for (size_t c = 0; c < row.size(); ++c) {
    all += row[c];
    if (rank_of(row, c) < rank) before += row[c];
  }
  return rank == 0 || before < threshold * all;
}

TEST(Xattention, KeepsByMassOfAntidiagonalsAsItsDefinitionSays) {
  struct Case {
    int64_t length, block, stride;
    double norm, threshold;
    bool first;
  };
  for (const Case& c : {Case{101, 16, 4, 1, 0.6, true}, Case{150, 24, 8, 0.25, 0.8, false},
                        Case{90, 8, 8, 0.5, 0.3, true}, Case{64, 16, 1, 1, 0, false},
                        Case{600, 6, 2, 1, 0.4, false}}) {  // 300 groups: two strips
    Inputs in = random_inputs(c.length, 4, 8);
    in.k = random_tensor(c.length, 2, 8, 71, 4);
    in.v = random_tensor(c.length, 2, 8, 72);
    in.explain = true;
    const Plan plan = planned(xattention(), in,
                              {{"block", std::to_string(c.block)},
                               {"stride", std::to_string(c.stride)},
                               {"norm", std::to_string(c.norm)},
                               {"threshold", std::to_string(c.threshold)},
                               {"keep_first", c.first ? "true" : "false"}});
    const auto label = slow_runs(c.length, c.block);
    const auto& found = plan.explained.at("block_sum").as<float>("block_sum");
    for (int64_t h = 0; h < 4; h += 3) {
      const Rows mass = slow_masses_of_groups(in, h, c.block, c.stride, c.norm);
      const size_t n = mass.size();
      std::vector<uint8_t> map(n * n);
      for (size_t a = 0; a < n; ++a)
        for (size_t b = 0; b < n; ++b) {
          EXPECT_NEAR(found[(h * n + a) * n + b], mass[a][b], 1e-5);
          map[a * n + b] = (c.first && b == 0) || kept(mass[a], b, c.threshold);
        }
      expect_blocks(plan, in, h, label, [&](int32_t a, int32_t b) { return map[a * n + b] != 0; });
    }
  }
}

TEST(Xattention, EqualBlocksGoToTheLowerIndex) {
  Inputs in = random_inputs(112, 1, 16);
  auto k = std::make_shared<Tensor>(in.k->clone());
  for (int64_t j = 64; j < 112; ++j) std::copy_n(in.k->row(j - 64, 0), 16, k->row(j, 0));
  in.k = k;
  const Plan plan =
      planned(xattention(), in,
              {{"block", "16"}, {"stride", "4"}, {"threshold", "0"}, {"keep_first", "0"}});
  for (int64_t i = 0; i < 112; ++i)
    EXPECT_LT(visible_keys(plan.branches[0], in, i, 0).front(), 64) << i;
}

TEST(Xattention, TextIsLikeAnyOtherToken) {
  Inputs in = random_inputs(100, 1, 8);
  in.grid = {.frames = 4, .height = 4, .width = 6, .text_tokens = 4};
  const Settings settings{
      {"block", "8"}, {"stride", "4"}, {"threshold", "0"}, {"text_length", "4"}};
  EXPECT_EQ(visible_keys(planned(xattention(), in, settings).branches[0], in, 97, 0).front(), 0);
  EXPECT_LE(pairs_of(planned(xattention(), in, settings), in), 100 * 16);
}

TEST(Xattention, KnobsAndRefusals) {
  const Inputs in = random_inputs(300, 2, 8);
  expect_monotone_knob(xattention(), in, {{"block", "16"}, {"stride", "4"}});
  EXPECT_EQ(xattention().knobs(in, xattention().defaults()).size(), 4U);  // 128, 64, 32, 16
  expect_refused(xattention(), in, {{"stride", "7"}}, "stride=7 does not divide a block of 128");
  expect_refused(xattention(), in, {{"text_length", "1"}}, "but it is 0");
}

}  // namespace
}  // namespace vidattn::xattention_test
