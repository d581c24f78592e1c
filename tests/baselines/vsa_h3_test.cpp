#include <gtest/gtest.h>

#include <numeric>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/block_maps.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn::vsa_h3_test {
namespace {

const Backend& vsa_h3() { return find_backend("vsa_h3"); }

Params h3_params(const Settings& settings) {
  Params params = vsa_h3().defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  return params;
}

struct Packed {
  std::vector<int64_t> grid, segments, tile;
  double sparsity;
  std::string mode = "exempt";
};

std::string list(const std::vector<int64_t>& numbers) {
  std::string text;
  for (int64_t n : numbers) text += (text.empty() ? "" : ",") + std::to_string(n);
  return text;
}

Params params_for(const Packed& s) {
  Settings settings{
      {"tile", list(s.tile)}, {"sparsity", std::to_string(s.sparsity)}, {"mode", s.mode}};
  if (!s.segments.empty()) settings.emplace_back("prefix_segments", list(s.segments));
  return h3_params(settings);
}

Inputs inputs_for(const Packed& s) {
  const int64_t prefix = std::accumulate(s.segments.begin(), s.segments.end(), int64_t{0});
  Generator random{3};
  const int64_t length = s.grid[0] * s.grid[1] * s.grid[2] + prefix;
  Inputs in = random_inputs(length, length, 4, 2, 8, random);
  in.grid = {.frames = s.grid[0], .height = s.grid[1], .width = s.grid[2]};
  in.grid.text_tokens = prefix;
  return in;
}

/// Tiles as the packed sequence numbers them, for tokens as the frame has them.
struct SlowTiles {
  std::vector<int64_t> label;
  int64_t prefix = 0, count = 0;

  explicit SlowTiles(const Packed& s) {
    const int64_t size = s.tile[0] * s.tile[1] * s.tile[2];
    std::vector<int64_t> of_prefix;
    for (int64_t segment : s.segments) {
      for (int64_t i = 0; i < segment; ++i) of_prefix.push_back(prefix + i / size);
      prefix += (segment + size - 1) / size;
    }
    const auto tiles = [&](int axis) { return (s.grid[axis] + s.tile[axis] - 1) / s.tile[axis]; };
    for (int64_t t = 0; t < s.grid[0]; ++t)
      for (int64_t y = 0; y < s.grid[1]; ++y)
        for (int64_t x = 0; x < s.grid[2]; ++x)
          label.push_back(prefix + (t / s.tile[0] * tiles(1) + y / s.tile[1]) * tiles(2) +
                          x / s.tile[2]);
    count = prefix + tiles(0) * tiles(1) * tiles(2);
    label.insert(label.end(), of_prefix.begin(), of_prefix.end());
  }
};

/// The tiles that a tile sees, by the definition.
std::vector<bool> seen_tiles(const Packed& s, const SlowTiles& tiles,
                             const std::vector<double>& scores, int64_t query) {
  const int64_t video = tiles.count - tiles.prefix;
  const auto kept = std::clamp<int64_t>(
      static_cast<int64_t>(std::ceil((1 - s.sparsity) * static_cast<double>(video))), 1, video);
  std::vector<bool> seen(tiles.count, true);
  if (query < tiles.prefix || kept == video) return seen;
  const std::vector<double> of_video(scores.begin() + tiles.prefix, scores.end());
  for (int64_t b = 0; b < tiles.count; ++b)
    if (s.mode == "compete")
      seen[b] = rank_of(scores, b) < kept + tiles.prefix;
    else if (b >= tiles.prefix)
      seen[b] = rank_of(of_video, b - tiles.prefix) < kept;
  return seen;
}

void expect_definition(const Packed& s) {
  const Inputs in = inputs_for(s);
  const Plan plan = vsa_h3().plan(in, params_for(s));
  plan.validate(in);
  ASSERT_EQ(plan.branches.size(), 1U);  // without a gate there is no coarse branch
  const SlowTiles tiles(s);
  for (int64_t h = 0; h < in.heads(); ++h) {
    const Rows q = slow_means(*in.q, h, tiles.label),
               k = slow_means(*in.k, in.kv_head(h), tiles.label);
    for (int64_t i = 0; i < in.length(); ++i) {
      const int64_t a = tiles.label[i];
      std::vector<double> scores(tiles.count);
      for (int64_t b = 0; b < tiles.count; ++b)
        scores[b] = std::inner_product(q[a].begin(), q[a].end(), k[b].begin(), 0.0);
      const auto seen = seen_tiles(s, tiles, scores, a);
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < in.length(); ++j)
        if (seen[tiles.label[j]]) expected.push_back(j);
      ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected) << "token " << i;
    }
  }
}

TEST(VsaH3, SelectsAsItsDefinitionSaysOnAnyGrid) {
  for (const Packed& s : std::vector<Packed>{{{1, 1, 1}, {}, {4, 8, 8}, 0.9},
                                             {{1, 3, 5}, {}, {1, 2, 2}, 0.5},
                                             {{1, 1, 13}, {3, 0, 1}, {1, 1, 2}, 0.7},
                                             {{5, 7, 9}, {9, 0, 30}, {2, 3, 4}, 0.7},
                                             {{5, 7, 9}, {9, 0, 30}, {2, 3, 4}, 0.7, "compete"},
                                             {{3, 5, 5}, {1}, {2, 2, 2}, 1, "compete"},
                                             {{3, 5, 5}, {17}, {2, 2, 2}, 0}})
    expect_definition(s);
}

TEST(VsaH3, AddsTheCoarseBranchTimesTheGate) {
  Inputs in = inputs_for({{4, 4, 8}, {5}, {}, 0});
  in.device = &find_device("reference");
  in.extra["gate"] = random_array({in.length(), 4, 8}, 9);
  in.explain = true;
  const Params params = h3_params({{"tile", "2,2,4"}});
  const Plan plan = vsa_h3().plan(in, params);
  plan.validate(in);
  Plan fine;
  fine.branches.push_back(plan.branches[0]);
  const auto whole = reference_rows(plan, in, {}).o, alone = reference_rows(fine, in, {}).o;
  const auto& label = plan.explained.at("tile_label").as<int32_t>("label");
  const auto& coarse = plan.explained.at("o_coarse_tile").as<float>("coarse");
  for (int64_t i = 0; i < in.length(); ++i)
    for (int64_t c = 0; c < 4 * 8; ++c)
      ASSERT_NEAR(whole[i * 32 + c] - alone[i * 32 + c],
                  in.find("gate")->as<float>("gate")[i * 32 + c] * coarse[label[i] * 32 + c], 1e-5);
  const Plan off = vsa_h3().plan(in, h3_params({{"tile", "2,2,4"}, {"gate", "false"}}));
  EXPECT_EQ(off.branches.size(), 1U);
}

TEST(VsaH3, OfEqualTilesTheLowerWins) {
  Inputs in = random_video(1, 1, 40, 1, 16);
  auto k = std::make_shared<Tensor>(in.k->clone());
  for (int64_t i = 8; i < 40; ++i) std::copy_n(k->row(i % 8, 0), 16, k->row(i, 0));
  in.k = k;
  const Plan plan = vsa_h3().plan(in, h3_params({{"tile", "1,1,8"}, {"sparsity", "0.6"}}));
  for (int64_t i = 0; i < 40; ++i) {
    const auto keys = visible_keys(plan.branches[0], in, i, 0);
    EXPECT_EQ(keys.back(), 15) << i;
    EXPECT_EQ(keys.size(), 16U);
  }
}

TEST(VsaH3, TheKnobRaisesDensityUpToAll) {
  for (const char* mode : {"exempt", "compete"}) {
    const Inputs in = inputs_for({{5, 17, 23}, {40, 30}, {}, 0});
    const DensityKnob& knob = vsa_h3().info().knob;
    int64_t before = 0;
    for (int step = 0; step <= 10; ++step) {
      const double value = knob.sparse + (knob.dense - knob.sparse) * step / 10;
      const Plan plan = vsa_h3().plan(
          in, h3_params({{knob.param, std::to_string(value)}, {"mode", mode}, {"tile", "4,4,4"}}));
      EXPECT_GE(plan.branches[0].pairs(0, 4), before);
      before = plan.branches[0].pairs(0, 4);
    }
    EXPECT_EQ(before, in.length() * in.length());
  }
}

TEST(VsaH3, RefusesWhatDoesNotFit) {
  const Inputs in = inputs_for({{4, 8, 8}, {5, 6}, {}, 0});
  EXPECT_THROW(vsa_h3().plan(random_inputs(64, 2, 8), vsa_h3().defaults()), InputError);
  for (const Settings& bad : {Settings{{"prefix_segments", "5,5"}},
                              {{"gate", "true"}},
                              {{"prefix_tiles", "2"}},
                              {{"video_tiles", "4"}},
                              {{"topk", "3"}}})
    EXPECT_THROW(vsa_h3().plan(in, h3_params(bad)), InputError) << bad[0].first;
  Inputs gated = in;
  gated.extra["gate"] = random_array({in.length(), 4, 7}, 1);
  EXPECT_THROW(vsa_h3().plan(gated, vsa_h3().defaults()), InputError);
}

}  // namespace
}  // namespace vidattn::vsa_h3_test
