#include <gtest/gtest.h>

#include <algorithm>

#include "attention/backend.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::sparge_test {
namespace {

struct Setting {
  int64_t length, block_q, block_k;
  std::string mode;
  double topk, cdf, theta;
};

/// Every run of `run` tokens scatters more or less around its own direction, so that blocks alike
/// and unlike both occur.
std::shared_ptr<const Tensor> runs(int64_t length, int64_t heads, int64_t run, uint64_t seed) {
  const auto noise = random_tensor(length, heads, 8, seed);
  const auto centre = random_tensor(length / run + 1, heads, 8, seed + 1, 1.5);
  Tensor tensor(length, heads, 8);
  for (int64_t i = 0; i < length; ++i)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t c = 0; c < 8; ++c)
        tensor.row(i, h)[c] =
            centre->at(i / run, h, c) + (i / run % 3 == 1 ? 4.0F : 0.3F) * noise->at(i, h, c);
  return std::make_shared<const Tensor>(std::move(tensor));
}

using Rows = std::vector<std::vector<double>>;

/// Straight from the definition, in float64: the cosine of every pair of rows of a block.
double self_similarity(const Rows& block) {
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (size_t c = 0; c < a.size(); ++c) sum += a[c] * b[c];
    return sum;
  };
  double sum = 0;
  for (const auto& a : block)
    for (const auto& b : block) sum += dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
  return sum / static_cast<double>(block.size() * block.size());
}

std::vector<Rows> blocks_of(const Tensor& tensor, int64_t head, int64_t size, bool centred) {
  std::vector<double> mean(tensor.dim());
  for (int64_t i = 0; i < tensor.length() && centred; ++i)
    for (int64_t c = 0; c < tensor.dim(); ++c)
      mean[c] += tensor.at(i, head, c) / static_cast<double>(tensor.length());
  std::vector<Rows> blocks;
  for (int64_t i = 0; i < tensor.length(); ++i) {
    if (i % size == 0) blocks.emplace_back();
    blocks.back().emplace_back();
    for (int64_t c = 0; c < tensor.dim(); ++c)
      blocks.back().back().push_back(tensor.at(i, head, c) - mean[c]);
  }
  return blocks;
}

/// Mean of the scaled scores of all pairs of a query and a key block: the score of their means.
double block_score(const Rows& queries, const Rows& keys) {
  double sum = 0;
  for (const auto& q : queries)
    for (const auto& k : keys)
      for (size_t c = 0; c < q.size(); ++c) sum += q[c] * k[c];
  return sum / static_cast<double>(queries.size() * keys.size()) / std::sqrt(8.0);
}

std::vector<bool> expected_row(const Setting& s, const Rows& query, const std::vector<Rows>& keys) {
  std::vector<bool> keep(keys.size(), true);
  if (self_similarity(query) <= s.theta) return keep;
  std::vector<std::pair<double, size_t>> ranked;
  double sum = 0;
  for (size_t b = 0; b < keys.size(); ++b) {
    if (self_similarity(keys[b]) <= s.theta) continue;
    keep[b] = false;
    ranked.push_back({-std::exp(block_score(query, keys[b])), b});
    sum -= ranked.back().first;
  }
  std::sort(ranked.begin(), ranked.end());
  double cumulative = 0;
  for (size_t r = 0; r < ranked.size(); ++r) {
    cumulative -= ranked[r].first / sum;
    const bool by_share =
        static_cast<int64_t>(r) < static_cast<int64_t>(s.topk * static_cast<double>(keys.size()));
    if (r == 0 || (s.mode == "cdf" ? cumulative <= s.cdf : by_share)) keep[ranked[r].second] = true;
  }
  return keep;
}

Params params_of(const Setting& s) {
  Params params = find_backend("sparge").defaults();
  params.set("mode", s.mode);
  params.set("topk", std::to_string(s.topk));
  params.set("cdf", std::to_string(s.cdf));
  params.set("theta", std::to_string(s.theta));
  params.set("block_q", std::to_string(s.block_q));
  params.set("block_k", std::to_string(s.block_k));
  return params;
}

TEST(Sparge, SelectsAsItsDefinitionSays) {
  const std::vector<Setting> settings{
      {1, 128, 64, "topk", 0.5, 0.98, -0.1},  {300, 128, 64, "topk", 0.5, 0.98, -0.1},
      {330, 64, 32, "topk", 0.31, 0.98, 0.4}, {330, 64, 32, "cdf", 0.5, 0.8, 0.6},
      {201, 16, 24, "cdf", 0.5, 0.3, 0.5},    {100, 16, 8, "cdf", 0.5, 0.9, 1},  // nothing is alike
      {100, 16, 8, "topk", 0, 0.9, -1}};                                         // one block each
  int unlike = 0, left_out = 0;
  for (const Setting& s : settings) {
    Inputs in;
    in.q = runs(s.length, 2, s.block_q, 3);
    in.k = runs(s.length, 1, s.block_k, 14);
    in.v = in.k;
    const Plan plan = find_backend("sparge").plan(in, params_of(s));
    plan.validate(in);
    const auto keys = blocks_of(*in.k, 0, s.block_k, true);
    for (int64_t h = 0; h < 2; ++h) {
      const auto queries = blocks_of(*in.q, h, s.block_q, false);
      for (size_t a = 0; a < queries.size(); ++a) {
        const auto keep = expected_row(s, queries[a], keys);
        std::vector<int64_t> expected;
        for (int64_t j = 0; j < s.length; ++j)
          if (keep[j / s.block_k]) expected.push_back(j);
        EXPECT_EQ(visible_keys(plan.branches[0], in, static_cast<int64_t>(a) * s.block_q, h),
                  expected)
            << s.mode << ", length " << s.length << ", query block " << a;
        unlike += self_similarity(queries[a]) <= s.theta;
        left_out += std::count(keep.begin(), keep.end(), false) > 0;
      }
    }
  }
  EXPECT_GT(unlike, 20);  // the inputs reach both kinds of blocks
  EXPECT_GT(left_out, 20);
}

TEST(Sparge, DensityRisesWithTheShareToAllBlocks) {
  const Backend& sparge = find_backend("sparge");
  const Inputs in = random_inputs(1000, 1, 8);
  Params params = sparge.defaults();
  const DensityKnob& knob = sparge.info().knob;
  int64_t before = 0;
  for (int step = 0; step <= 10; ++step) {
    params.set(knob.param, std::to_string(knob.sparse + (knob.dense - knob.sparse) * step / 10));
    const int64_t pairs = sparge.plan(in, params).branches[0].pairs(0, 1);
    EXPECT_GE(pairs, before);
    before = pairs;
  }
  EXPECT_EQ(before, 1000 * 1000);
}

}  // namespace
}  // namespace vidattn::sparge_test
