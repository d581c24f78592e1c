#include <gtest/gtest.h>

#include <cstdlib>

#include "attention/backend.h"
#include "tests/support/block_maps.h"
#include "tests/support/inputs.h"

namespace vidattn::nabla_test {
namespace {

const Backend& nabla() { return find_backend("nabla"); }

/// Block of every token of [T,H,W], and the block's coordinates.
struct Patches {
  std::vector<int32_t> label;
  std::vector<std::array<int64_t, 3>> at;

  Patches(const VideoGrid& grid, int64_t patch) {
    const int64_t nh = (grid.height + patch - 1) / patch, nw = (grid.width + patch - 1) / patch;
    for (int64_t t = 0; t < grid.frames; ++t)
      for (int64_t y = 0; y < grid.height; ++y)
        for (int64_t x = 0; x < grid.width; ++x)
          label.push_back(static_cast<int32_t>((t * nh + y / patch) * nw + x / patch));
    for (int64_t b = 0; b < grid.frames * nh * nw; ++b)
      at.push_back({b / nw / nh, b / nw % nh, b % nw});
  }
};

/// Kept by definition: ascending, the higher index first among equals, cumulative sums >= 1 - P.
bool enough(const std::vector<double>& p, size_t b, double mass) {
  double sum = 0;
  for (size_t c = 0; c < p.size(); ++c)
    if (p[c] < p[b] || (p[c] == p[b] && c >= b)) sum += p[c];
  return sum >= 1 - mass;
}

TEST(Nabla, KeepsByMassAndWindowAsItsDefinitionSays) {
  struct Case {
    int64_t frames, height, width, patch;
    const char* mass;
    const char* window;
  };
  for (const Case& c : {Case{3, 6, 10, 4, "0.6", nullptr}, Case{5, 4, 9, 2, "0.3", "3,1,4"},
                        Case{2, 5, 5, 8, "0.5", "1,1,1"}, Case{4, 3, 4, 1, "0.9", nullptr}}) {
    Inputs in = random_video(c.frames, c.height, c.width, 4, 8);
    in.k = random_tensor(in.length(), 2, 8, 71, 3);
    in.v = random_tensor(in.length(), 2, 8, 72);
    in.explain = true;
    Settings settings{{"patch", std::to_string(c.patch)},
                      {"P", c.mass},
                      {"add_sta", c.window ? "true" : "false"}};
    if (c.window) settings.emplace_back("sta_window", c.window);
    const Plan plan = planned(nabla(), in, settings);
    const Patches patches(in.grid, c.patch);
    EXPECT_EQ(plan.explained.at("block_label").as<int32_t>("block_label"), patches.label);
    const auto& found = plan.explained.at("block_prob").as<float>("block_prob");
    for (int64_t h = 0; h < 4; ++h) {
      const Rows q = slow_means(*in.q, h, patches.label),
                 k = slow_means(*in.k, in.kv_head(h), patches.label);
      Rows p;
      for (const auto& a : q) {
        p.emplace_back();
        for (const auto& b : k) p.back().push_back(slow_dot(a, b) * in.softmax_scale());
        p.back() = slow_softmax(p.back());
      }
      const size_t n = p.size();
      for (size_t a = 0; a < n; ++a)
        for (size_t b = 0; b < n; ++b) EXPECT_NEAR(found[(h * n + a) * n + b], p[a][b], 1e-6);
      expect_blocks(plan, in, h, patches.label, [&](int32_t a, int32_t b) {
        const auto &from = patches.at[a], &to = patches.at[b];
        const bool near = c.window && std::abs(from[0] - to[0]) <= (c.window[0] - '0') / 2 &&
                          std::abs(from[1] - to[1]) <= (c.window[2] - '0') / 2 &&
                          std::abs(from[2] - to[2]) <= (c.window[4] - '0') / 2;
        return near || enough(p[a], b, std::stod(c.mass));
      });
    }
  }
}

TEST(Nabla, OfEqualBlocksTheHigherIndexIsDropped) {
  Inputs in = random_video(6, 4, 4, 1, 16);
  auto k = std::make_shared<Tensor>(in.k->clone());
  for (int64_t j = 48; j < 96; ++j) std::copy_n(in.k->row(j - 48, 0), 16, k->row(j, 0));
  in.k = k;
  // Probabilities come in three pairs, and 0 keeps the first of the best one.
  const Plan plan = planned(nabla(), in, {{"patch", "4"}, {"P", "0"}, {"add_sta", "false"}});
  for (int64_t i = 0; i < 96; ++i) {
    const auto seen = visible_keys(plan.branches[0], in, i, 0);
    EXPECT_EQ(seen.size(), 16U);
    EXPECT_LT(seen.front(), 48);
  }
}

TEST(Nabla, KnobsPresetsAndRefusals) {
  const Inputs in = random_video(3, 9, 7, 2, 8);
  expect_monotone_knob(nabla(), in, {{"patch", "2"}, {"add_sta", "false"}});
  EXPECT_EQ(nabla().knobs(in, nabla().defaults()).size(), 2U);
  EXPECT_EQ(nabla().info().presets.size(), 3U);
  expect_refused(nabla(), random_inputs(64, 1, 8), {}, "grid");
}

}  // namespace
}  // namespace vidattn::nabla_test
