#include <gtest/gtest.h>

#include <numeric>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::vsa_test {
namespace {

struct Shape {
  int64_t frames, height, width;
  std::vector<int64_t> tile;
  double sparsity;
  int64_t kept;  // key tiles per query tile, worked out by hand
};

int64_t tile_of(const VideoGrid& grid, const std::vector<int64_t>& tile, int64_t token) {
  const auto per_axis = [](int64_t extent, int64_t size) { return (extent + size - 1) / size; };
  const int64_t t = token / grid.frame_size(), y = token % grid.frame_size() / grid.width,
                x = token % grid.width;
  return (t / tile[0] * per_axis(grid.height, tile[1]) + y / tile[1]) *
             per_axis(grid.width, tile[2]) +
         x / tile[2];
}

/// VSA straight from its definition, in float64 and with one pass over all tokens per mean.
struct Slow {
  std::vector<int64_t> label, size;
  std::vector<std::vector<double>> q, k, v;  ///< [tile][channel] of one head

  Slow(const Inputs& in, const std::vector<int64_t>& tile, int64_t head) {
    for (int64_t i = 0; i < in.length(); ++i) label.push_back(tile_of(in.grid, tile, i));
    size.resize(*std::max_element(label.begin(), label.end()) + 1);
    q = k = v = std::vector(size.size(), std::vector<double>(in.dim()));
    for (int64_t b : label) ++size[b];
    for (int64_t i = 0; i < in.length(); ++i)
      for (int64_t c = 0; c < in.dim(); ++c) {
        const auto n = static_cast<double>(size[label[i]]);
        q[label[i]][c] += in.q->at(i, head, c) / n;
        k[label[i]][c] += in.k->at(i, in.kv_head(head), c) / n;
        v[label[i]][c] += in.v->at(i, in.kv_head(head), c) / n;
      }
  }
  std::vector<double> scores(int64_t a) const {
    std::vector<double> s(size.size());
    for (size_t b = 0; b < s.size(); ++b)
      s[b] = std::inner_product(q[a].begin(), q[a].end(), k[b].begin(), 0.0) /
             std::sqrt(static_cast<double>(q[a].size()));
    return s;
  }
  bool selected(int64_t a, int64_t b, int64_t kept) const {
    const auto s = scores(a);
    int64_t better = 0;
    for (size_t other = 0; other < s.size(); ++other)
      better += s[other] > s[b] || (s[other] == s[b] && static_cast<int64_t>(other) < b);
    return better < kept;
  }
  double coarse(int64_t a, int64_t channel) const {
    double sum = 0, o = 0;
    const auto s = scores(a);
    for (size_t b = 0; b < s.size(); ++b) {
      sum += std::exp(s[b]);
      o += std::exp(s[b]) * v[b][channel];
    }
    return o / sum;
  }
};

TEST(Vsa, SelectsAndAttendsAsItsDefinitionSaysOnAnyGrid) {
  const Backend& vsa = find_backend("vsa");
  const std::vector<Shape> shapes{{1, 1, 1, {4, 4, 4}, 0.9, 1},
                                  {5, 7, 9, {4, 4, 4}, 0.7, 4},  // 12 tiles
                                  {2, 5, 5, {2, 1, 3}, 0.7, 4},  // 10 tiles: 1 - 0.7 > 0.3
                                  {3, 5, 4, {9, 2, 3}, 0, 6},    // everything
                                  {5, 3, 2, {2, 2, 1}, 1, 1}};
  for (const Shape& s : shapes) {
    Inputs in = random_video(s.frames, s.height, s.width, 4, 8);
    in.k = random_tensor(in.length(), 2, 8, 71);  // two query heads share a key head
    in.v = random_tensor(in.length(), 2, 8, 72);
    const auto gate = random_array({in.length(), 4, 8}, 9);
    in.extra["gate"] = gate;
    Params params = vsa.defaults();
    params.set("tile", std::to_string(s.tile[0]) + "," + std::to_string(s.tile[1]) + "," +
                           std::to_string(s.tile[2]));
    params.set("sparsity", std::to_string(s.sparsity));
    const Plan plan = vsa.plan(in, params);
    plan.validate(in);
    Plan coarse_only;
    coarse_only.branches.push_back(plan.branches[1]);
    const auto coarse = reference_rows(coarse_only, in, {}).o;
    for (int64_t h = 0; h < 4; ++h) {
      const Slow slow(in, s.tile, h);
      for (int64_t i = 0; i < in.length(); ++i) {
        std::vector<int64_t> expected;
        for (int64_t j = 0; j < in.length(); ++j)
          if (slow.selected(slow.label[i], slow.label[j], s.kept)) expected.push_back(j);
        ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected) << "token " << i;
        const size_t at = in.q->offset(i, h) + 5;
        EXPECT_NEAR(coarse[at], gate->as<float>("gate")[at] * slow.coarse(slow.label[i], 5), 1e-5);
      }
    }
  }
}

TEST(Vsa, WithoutAGateAddsTheCoarseBranch) {
  const Backend& vsa = find_backend("vsa");
  Inputs in = random_video(4, 4, 4, 1, 8);
  in.device = &find_device("reference");
  in.explain = true;
  const Plan plan = vsa.plan(in, vsa.defaults());
  const auto whole = reference_rows(plan, in, {}).o;
  Plan fine;
  fine.branches.push_back(plan.branches[0]);
  const auto fine_only = reference_rows(fine, in, {}).o;
  // One tile: the coarse branch is the mean of v.
  for (int64_t c = 0; c < 8; ++c) {
    double mean = 0;
    for (int64_t i = 0; i < 64; ++i) mean += in.v->at(i, 0, c) / 64.0;
    EXPECT_NEAR(whole[13 * 8 + c] - fine_only[13 * 8 + c], mean, 1e-6);
    EXPECT_NEAR(plan.explained.at("o_coarse_tile").as<float>("o_coarse_tile")[c], mean, 1e-6);
  }
}

TEST(Vsa, TopkAloneCountsAndDensityFallsWithSparsity) {
  const Backend& vsa = find_backend("vsa");
  const Inputs in = random_video(5, 17, 23, 1, 8);
  Params params = vsa.defaults();
  params.set("topk", "999");  // more than there are
  EXPECT_EQ(vsa.plan(in, params).branches[0].pairs(0, 1), in.length() * in.length());
  params = vsa.defaults();
  const DensityKnob& knob = vsa.info().knob;
  int64_t before = 0;
  for (int step = 0; step <= 10; ++step) {
    params.set(knob.param, std::to_string(knob.sparse + (knob.dense - knob.sparse) * step / 10));
    const int64_t pairs = vsa.plan(in, params).branches[0].pairs(0, 1);
    EXPECT_GE(pairs, before);
    before = pairs;
  }
  EXPECT_EQ(before, in.length() * in.length());
}

TEST(Vsa, RefusesWhatDoesNotFit) {
  const Backend& vsa = find_backend("vsa");
  const Inputs video = random_video(4, 8, 8, 2, 8);
  EXPECT_THROW(vsa.plan(random_inputs(64, 2, 8), vsa.defaults()), InputError);
  const auto refused = [&](const Inputs& in,
                           const std::vector<std::pair<std::string, std::string>>& settings) {
    Params params = vsa.defaults();
    for (const auto& [name, value] : settings) params.set(name, value);
    EXPECT_THROW(vsa.plan(in, params), InputError) << settings[0].first;
  };
  refused(video, {{"num_tiles", "1,2,3"}});
  refused(video, {{"sparsity", "0.9"}, {"topk", "2"}});
  refused(video, {{"gate", "given per token, head and channel"}});
  Inputs gated = video;
  gated.extra["gate"] = random_array({256, 2, 7}, 1);
  refused(gated, {{"tile", "4,4,4"}});
  gated.extra["gate"] = random_array({256, 2, 8}, 1);
  refused(gated, {{"gate", "none"}});
}

}  // namespace
}  // namespace vidattn::vsa_test
