#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/error.h"
#include "tests/support/block_maps.h"
#include "tests/support/inputs.h"

namespace vidattn::subblock_test {
namespace {

const Backend& subblock() { return find_backend("subblock"); }

/// score[a][b] of one head by definition: parts of `q_part` and `k_part` tokens.
Rows slow_part_scores(const Inputs& in, int64_t head, int64_t block, int64_t q_part,
                      int64_t k_part) {
  const Rows q = slow_means(*in.q, head, slow_runs(in.length(), q_part));
  const Rows k = slow_means(*in.k, in.kv_head(head), slow_runs(in.length(), k_part));
  const auto n = static_cast<size_t>((in.length() + block - 1) / block);
  Rows score(n, std::vector<double>(n));
  for (size_t x = 0; x < q.size(); ++x)
    for (size_t y = 0; y < k.size(); ++y)
      score[static_cast<int64_t>(x) * q_part / block][static_cast<int64_t>(y) * k_part / block] +=
          std::exp(slow_dot(q[x], k[y]) * in.softmax_scale());
  for (auto& row : score)
    for (double& s : row) s = std::log(s);
  return score;
}

TEST(Subblock, ScoresAndKeepsAsItsDefinitionSays) {
  struct Case {
    int64_t length, block, n_q, n_k;
    const char* sparsity;
    int64_t granularity, kept;
  };
  // 330 tokens with blocks of 16 are more than 256 query parts of 4: two strips.
  for (const Case& c : {Case{330, 4, 4, 2, "0.9", 1, 9}, Case{115, 16, 4, 4, "0.7", 1, 3},
                        Case{115, 16, 2, 8, "0.9", 3, 3}, Case{98, 12, 1, 3, "1", 1, 1}}) {
    Inputs in = random_inputs(c.length, 4, 8);
    in.k = random_tensor(c.length, 2, 8, 71, 2);
    in.v = random_tensor(c.length, 2, 8, 72);
    in.explain = true;
    const Plan plan = planned(subblock(), in,
                              {{"block", std::to_string(c.block)},
                               {"n_q", std::to_string(c.n_q)},
                               {"n_k", std::to_string(c.n_k)},
                               {"sparsity", c.sparsity},
                               {"granularity", std::to_string(c.granularity)},
                               {"topk", std::to_string(c.kept)}});
    const auto label = slow_runs(c.length, c.block);
    const auto& found = plan.explained.at("score").as<float>("score");
    for (int64_t h = 0; h < 4; ++h) {
      const Rows score = slow_part_scores(in, h, c.block, c.block / c.n_q, c.block / c.n_k);
      const size_t n = score.size();
      for (size_t a = 0; a < n; ++a)
        for (size_t b = 0; b < n; ++b) EXPECT_NEAR(found[(h * n + a) * n + b], score[a][b], 1e-5);
      expect_blocks(plan, in, h, label,
                    [&](int32_t a, int32_t b) { return rank_of(score[a], b) < c.kept; });
    }
  }
}

TEST(Subblock, APrefixIsKeptBesideTheBudget) {
  const Inputs in = random_inputs(100, 1, 8);
  const Plan plan = planned(subblock(), in,
                            {{"block", "8"},
                             {"sparsity", "0.8"},
                             {"granularity", "1"},
                             {"prefix_length", "9"},
                             {"prefix_blocks", "2"},
                             {"topk", "3"}});  // ceil(0.2 * 11)
  for (int64_t i = 0; i < 100; ++i) {
    const auto seen = visible_keys(plan.branches[0], in, i, 0);
    // The last 9 tokens stand first; their two blocks end with the video's first 7.
    EXPECT_EQ(seen[6], 6);
    EXPECT_EQ(seen[seen.size() - 9], 91);
    EXPECT_TRUE(seen.size() == 40 || seen.size() == 36) << seen.size();  // the last one has 4
  }
  EXPECT_EQ(pairs_of(planned(subblock(), in, {{"prefix_length", "99"}, {"sparsity", "1"}}), in),
            100 * 100);
  EXPECT_THROW(planned(subblock(), in, {{"prefix_length", "100"}}), InputError);
}

TEST(Subblock, TextBehindTheVideoIsSeenAndSeesAll) {
  Inputs in = random_inputs(100, 1, 8);
  in.grid = {.frames = 4, .height = 4, .width = 6, .text_tokens = 4};
  const Settings settings{{"block", "8"}, {"sparsity", "0.8"}, {"granularity", "1"}};
  const Plan plan = planned(subblock(), in, settings);
  EXPECT_EQ(visible_keys(plan.branches[0], in, 97, 0).size(), 100U);
  EXPECT_EQ(visible_keys(plan.branches[0], in, 3, 0).size(), 3 * 8 + 4U);
}

TEST(Subblock, EqualBlocksGoToTheLowerIndex) {
  Inputs in = random_inputs(112, 1, 16);
  auto k = std::make_shared<Tensor>(in.k->clone());
  for (int64_t j = 64; j < 112; ++j) std::copy_n(in.k->row(j - 64, 0), 16, k->row(j, 0));
  in.k = k;
  const Plan plan =
      planned(subblock(), in, {{"block", "16"}, {"sparsity", "1"}, {"granularity", "1"}});
  for (int64_t i = 0; i < 112; ++i)
    EXPECT_LT(visible_keys(plan.branches[0], in, i, 0).front(), 64) << i;
}

TEST(Subblock, KnobsAndRefusals) {
  const Inputs in = random_inputs(300, 2, 8);
  expect_monotone_knob(subblock(), in, {{"block", "16"}, {"granularity", "1"}});
  EXPECT_EQ(subblock().knobs(in, subblock().defaults()).size(), 4U);  // 64; then finer; 32; 16
  expect_refused(subblock(), in, {{"n_q", "5"}}, "n_q=5 does not divide a block of 64");
  expect_refused(subblock(), in, {{"n_k", "128"}}, "n_k=128 does not divide");
  expect_refused(subblock(), in, {{"topk", "3"}}, "topk=3, but it is 5");  // all 5, of 8
}

}  // namespace
}  // namespace vidattn::subblock_test
