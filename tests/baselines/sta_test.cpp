#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::sta_test {
namespace {

Params sta_params(const std::vector<std::pair<std::string, std::string>>& settings) {
  Params params = find_backend("sta").defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  return params;
}

bool axis_sees(int64_t extent, int64_t tile, int64_t window, int64_t query, int64_t key) {
  const int64_t n = (extent + tile - 1) / tile, r = window / 2;
  return 2 * r >= n || std::abs(std::clamp(query / tile, r, n - 1 - r) - key / tile) <= r;
}

struct Shape {
  std::vector<int64_t> grid, tile, windows;
  int64_t slots = 0, text = 0;
};

bool sees(const Shape& s, int64_t head, int64_t i, int64_t j) {
  const auto& g = s.grid;
  const int64_t video = g[0] * g[1] * g[2];
  if (j >= video) return j < video + s.text;
  if (i >= video) return true;
  const int64_t* w = &s.windows[s.windows.size() == 3 ? 0 : 3 * head];
  return axis_sees(g[0], s.tile[0], w[0], i / g[2] / g[1], j / g[2] / g[1]) &&
         axis_sees(g[1], s.tile[1], w[1], i / g[2] % g[1], j / g[2] % g[1]) &&
         axis_sees(g[2], s.tile[2], w[2], i % g[2], j % g[2]);
}

std::string list(const std::vector<int64_t>& numbers) {
  std::string text;
  for (int64_t n : numbers) text += (text.empty() ? "" : ",") + std::to_string(n);
  return text;
}

Inputs inputs_for(const Shape& s) {
  Inputs in = random_inputs(s.grid[0] * s.grid[1] * s.grid[2] + s.slots, 2, 8);
  in.grid.frames = s.grid[0];
  in.grid.height = s.grid[1];
  in.grid.width = s.grid[2];
  in.grid.text_tokens = s.slots;
  return in;
}

TEST(Sta, SeesExactlyTheTilesOfItsDefinition) {
  const std::vector<Shape> shapes{{{4, 6, 6}, {2, 3, 2}, {1, 1, 3, 2, 1, 1}, 5, 3},
                                  {{5, 7, 9}, {2, 3, 4}, {1, 3, 1, 3, 1, 3}},
                                  {{5, 7, 9}, {2, 3, 4}, {1, 1, 1, 2, 2, 2}, 4, 0},
                                  {{3, 5, 11}, {1, 2, 2}, {3, 2, 5}},
                                  {{1, 1, 1}, {6, 8, 8}, {3, 3, 3}, 2, 2}};
  for (const Shape& s : shapes) {
    const Inputs in = inputs_for(s);
    const Params params = sta_params({{"tile", list(s.tile)},
                                      {"windows", list(s.windows)},
                                      {"text_length", std::to_string(s.text)},
                                      {"text_max", std::to_string(s.slots)}});
    const Plan plan = find_backend("sta").plan(in, params);
    plan.validate(in);
    EXPECT_EQ(plan.branches[0].tables.size(), s.windows.size() / 3);
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t i = 0; i < in.length(); ++i) {
        std::vector<int64_t> expected;
        for (int64_t j = 0; j < in.length(); ++j)
          if (sees(s, h, i, j)) expected.push_back(j);
        EXPECT_EQ(visible_keys(plan.branches[0], in, i, h), expected) << h << " " << i;
      }
  }
}

TEST(Sta, EqualHeadsShareATableAndTextDefaultsToTheGrid) {
  const Shape s{{4, 4, 4}, {2, 2, 2}, {}, 3};
  const Inputs in = inputs_for(s);
  const Plan plan =
      find_backend("sta").plan(in, sta_params({{"tile", "2,2,2"}, {"windows", "1,1,1,1,1,1"}}));
  EXPECT_EQ(plan.branches[0].tables.size(), 1U);
  EXPECT_EQ(visible_keys(plan.branches[0], in, 0, 1).size(), 8U + 3U);
}

TEST(Sta, RefusesWhatDoesNotFit) {
  const Backend& sta = find_backend("sta");
  const Inputs in = inputs_for({{4, 4, 4}, {}, {}, 3});
  EXPECT_THROW(sta.plan(random_inputs(8, 1, 8), sta.defaults()), InputError);
  EXPECT_NO_THROW(sta.plan(in, sta.defaults()));
  using Settings = std::vector<std::pair<std::string, std::string>>;
  for (const Settings& bad : {Settings{{"tile", "2,2"}},
                              {{"tile", "3,2,2"}, {"ragged", "false"}},
                              {{"windows", "3,3"}},
                              {{"windows", "3,3,3,1,1,1,2,2,2"}},
                              {{"windows", "3,3,1.5"}},
                              {{"text_max", "4"}},
                              {{"text_length", "4"}}})
    EXPECT_THROW(sta.plan(in, sta_params(bad)), InputError) << bad[0].first << "=" << bad[0].second;
}

TEST(Sta, WarmUpIsDenseAndCountsInTheRun) {
  const Backend& sta = find_backend("sta");
  Inputs in = inputs_for({{4, 4, 4}, {}, {}});
  in.context = {.layer = 3, .layers = 10, .step = 4, .steps = 20};
  const Params params = sta_params({{"tile", "2,2,2"}, {"window", "1"}, {"dense_steps", "5"}});
  EXPECT_EQ(sta.plan(in, params).branches[0].pairs(0, 2), 64 * 64);
  in.context.step = 5;
  EXPECT_EQ(sta.plan(in, params).branches[0].pairs(0, 2), 64 * 8);
  EXPECT_DOUBLE_EQ(sta.run_density(params, 0.125, 20, 10), 0.25 + 0.75 * 0.125);
}

TEST(Sta, TheKnobRaisesDensityUpToAll) {
  const Backend& sta = find_backend("sta");
  const DensityKnob& knob = sta.info().knob;
  Inputs in = random_video(21, 30, 52, 1, 4);
  int64_t before = 0;
  for (double value = knob.sparse; value <= knob.dense; value *= 2) {
    const Plan plan = sta.plan(in, sta_params({{knob.param, to_text(int64_t(value))}}));
    EXPECT_GE(plan.branches[0].pairs(0, 1), before);
    before = plan.branches[0].pairs(0, 1);
  }
  EXPECT_EQ(before, in.length() * in.length());
}

}  // namespace
}  // namespace vidattn::sta_test
