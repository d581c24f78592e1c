#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::vorta_test {
namespace {

const Backend& vorta() { return find_backend("vorta"); }

Params settings(const std::vector<std::pair<std::string, std::string>>& values) {
  Params params = vorta().defaults();
  for (const auto& [name, value] : values) params.set(name, value);
  return params;
}

Inputs video(int64_t frames, int64_t height, int64_t width, int64_t heads, int64_t text = 0) {
  Inputs in = random_video(frames, height, width, heads, 8);
  const VideoGrid grid = in.grid;
  if (text > 0) in = random_inputs(grid.tokens() + text, heads, 8);
  in.grid = grid;
  in.grid.text_tokens = text;
  in.explain = true;
  return in;
}

double similarity(const Tensor& q, int64_t a, int64_t b, int64_t head) {
  double dot = 0, aa = 0, bb = 0;
  for (int64_t c = 0; c < q.dim(); ++c) {
    dot += double{q.at(a, head, c)} * q.at(b, head, c);
    aa += std::pow(double{q.at(a, head, c)}, 2);
    bb += std::pow(double{q.at(b, head, c)}, 2);
  }
  return dot / std::sqrt(aa * bb);
}

/// Token whose result token i takes in a coreset head with windows of (2,3,2) that keep a half.
int64_t coreset_source(const Inputs& in, int64_t i, int64_t head) {
  const VideoGrid& g = in.grid;
  if (i >= g.video_tokens()) return i;
  const int64_t t = i / g.frame_size() / 2 * 2, y = i / g.width % g.height / 3 * 3;
  const int64_t x = i % g.width / 2 * 2;
  if (t + 2 > g.frames || y + 3 > g.height || x + 2 > g.width) return i;
  const int64_t centre = g.token(t + 1, y + 1, x + 1);
  int64_t less_similar = 0;
  for (int64_t n = 0; n < 12; ++n) {
    const int64_t other = g.token(t + n / 6, y + n / 2 % 3, x + n % 2);
    less_similar += other != centre && other != i &&
                    similarity(*in.q, other, centre, head) < similarity(*in.q, i, centre, head);
  }
  return i == centre || less_similar < 5 ? i : centre;
}

bool axis_sees(int64_t query, int64_t key, int64_t tile, int64_t extent, int64_t window) {
  const int64_t n = (extent + tile - 1) / tile, r = window / 2;
  return 2 * r >= n || std::abs(std::clamp(query / tile, r, n - 1 - r) - key / tile) <= r;
}

bool sliding_sees(const VideoGrid& g, int64_t i, int64_t j) {
  if (i >= g.video_tokens() || j >= g.video_tokens()) return true;
  const auto at = [&](int64_t n, int axis) {
    return axis == 0 ? n / g.frame_size() : axis == 1 ? n / g.width % g.height : n % g.width;
  };
  return axis_sees(at(i, 0), at(j, 0), 2, g.frames, 3) &&
         axis_sees(at(i, 1), at(j, 1), 2, g.height, 1) &&
         axis_sees(at(i, 2), at(j, 2), 3, g.width, 3);
}

void expect_definition(const Inputs& in, int64_t prompt, int64_t padding) {
  const Plan plan = vorta().plan(in, settings({{"experts", "full,coreset,sliding"},
                                               {"tile", "2,2,3"},
                                               {"window", "3,1,3"},
                                               {"context_length", std::to_string(prompt + padding)},
                                               {"prompt_length", std::to_string(prompt)}}));
  plan.validate(in);
  const int64_t real = in.length() - padding;
  const auto& source = plan.explained.at("source_token").as<int32_t>("source");
  for (int64_t h = 0; h < 3; ++h)
    for (int64_t i = 0; i < in.length(); ++i) {
      const int64_t row = h == 1 ? coreset_source(in, i, h) : i;
      EXPECT_EQ(source[i * 3 + h], row);
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < in.length(); ++j) {
        const bool chosen = h == 0   ? true
                            : h == 1 ? coreset_source(in, j, h) == j
                                     : sliding_sees(in.grid, i, j);
        if (i >= real || j >= real ? i >= real && j >= real : chosen) expected.push_back(j);
      }
      ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected) << "head " << h << " " << i;
    }
}

TEST(Vorta, HeadsFollowTheDefinitionOfTheirExpert) {
  expect_definition(video(4, 6, 4, 3), 0, 0);
  expect_definition(video(5, 7, 9, 3), 0, 0);  // a tail along every axis
  expect_definition(video(1, 2, 1, 3), 0, 0);  // no whole window
  expect_definition(video(3, 4, 5, 3, 7), 4, 3);
  expect_definition(video(3, 4, 5, 3, 7), 0, 7);
}

TEST(Vorta, RouterTakesTheBestExpertOrFull) {
  Inputs in = video(2, 3, 2, 4);
  in.extra["router_scores"] = std::make_shared<const Array>(
      Array{{4, 3}, std::vector<float>{0, 3, 1, 1, 0, 4, 9, 1, 1, 0, 0.1F, 0}});
  const auto experts = [&](const Params& params) {
    return vorta().plan(in, params).explained.at("experts").as<int32_t>("experts");
  };
  EXPECT_EQ(experts(vorta().defaults()), (std::vector<int32_t>{1, 2, 0, 1}));
  EXPECT_EQ(experts(settings({{"full_below", "0.4"}})), (std::vector<int32_t>{1, 2, 0, 0}));
}

TEST(Vorta, KeepMovesTheDensityOfCoresetHeads) {
  const Inputs in = video(21, 6, 10, 1);
  int64_t before = 0;
  for (const char* keep : {"0", "0.25", "0.5", "1"}) {
    const Plan plan = vorta().plan(in, settings({{"experts", "coreset"}, {"keep", keep}}));
    plan.validate(in);
    EXPECT_GT(plan.branches[0].pairs(0, 1), before);
    before = plan.branches[0].pairs(0, 1);
  }
  EXPECT_EQ(before, in.length() * in.length());
}

TEST(Vorta, WarmUpIsDense) {
  Inputs in = video(2, 3, 2, 2);
  in.context = {.layer = 3, .layers = 30, .step = 1, .steps = 50};
  EXPECT_EQ(vorta().plan(in, settings({{"dense_steps", "2"}})).branches[0].name, "full");
  EXPECT_EQ(vorta().plan(in, vorta().defaults()).branches[0].name, "vorta");
}

TEST(Vorta, RefusesWhatDoesNotFit) {
  const auto refuses = [](const Inputs& in, const Params& params) {
    EXPECT_THROW(vorta().plan(in, params), InputError);
  };
  const Inputs in = video(2, 3, 2, 2);
  refuses(random_inputs(12, 2, 8), vorta().defaults());
  refuses(in, settings({{"experts", "coreset,dense"}}));
  refuses(in, settings({{"experts", ""}}));
  EXPECT_THROW(settings({{"tile", "2,3"}}), InputError);
  refuses(in, settings({{"context_length", "1"}}));
  refuses(video(5, 30, 30, 2), settings({{"tile", "1,1,1"}}));
  Inputs wrong = in;
  wrong.extra["router_scores"] = random_array({3, 2}, 1);
  refuses(wrong, vorta().defaults());
}

}  // namespace
}  // namespace vidattn::vorta_test
