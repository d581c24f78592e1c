#include <gtest/gtest.h>

#include <cstdlib>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::radial_test {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

Params radial_params(const Settings& settings) {
  Params params = find_backend("radial").defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  return params;
}

struct Shape {
  int64_t frames, height, width, text, block;
  double decay;
  bool wan;
};

int64_t bit_length(int64_t x) { return x == 0 ? 0 : 1 + bit_length(x / 2); }

/// Whether position a of frame i sees position b of frame j before rounding to blocks.
bool band(const Shape& s, int64_t i, int64_t j, int64_t a, int64_t b) {
  if (s.wan && j == 0) return true;
  const int64_t f = s.height * s.width, distance = std::abs(i - j);
  const double share = double(1LL << bit_length(f)) / double(1LL << bit_length(distance));
  if (share < 128 && distance % int64_t(128 / share) != 0) return false;
  const double width = distance <= 1 ? double(f) : std::max(share * s.decay, double(s.block));
  return double(std::abs(a - b)) <= width;
}

/// The block map as the definition says it: a mask of every frame pair, counted column by column.
std::vector<uint8_t> slow_map(const Shape& s) {
  const int64_t f = s.height * s.width, block = s.block,
                n = (s.frames * f + s.text - 1) / block + 1;
  const int64_t reach = (f + block - 1) / block;
  std::vector<uint8_t> map(n * n);
  for (int64_t i = 0; i < s.frames; ++i)
    for (int64_t j = 0; j < s.frames; ++j) {
      std::vector<int64_t> count(reach * reach * block);  // [block row, column]
      for (int64_t a = 0; a < f; ++a)
        for (int64_t b = 0; b < f; ++b) {
          const int64_t row = (i * f % block + a) / block, column = j * f % block + b;
          if (row < reach && column < reach * block && band(s, i, j, a, b))
            ++count[row * reach * block + column];
        }
      for (int64_t r = 0; r < reach; ++r)
        for (int64_t c = 0; c < reach; ++c) {
          int64_t nonzero = 0, high = 0;
          for (int64_t b = 0; b < block; ++b) {
            const int64_t rows = count[r * reach * block + c * block + b];
            nonzero += rows > 0;
            high += 3 * rows > block;
          }
          if (nonzero > 0 && 5 * high > 3 * nonzero)
            map[(i * f / block + r) * n + j * f / block + c] = 1;
        }
    }
  for (int64_t a = 0; a < n; ++a)
    for (int64_t b = 0; b < n; ++b)
      if (s.text > 0 && std::max(a, b) >= s.frames * f / block) map[a * n + b] = 1;
  return map;
}

Inputs inputs_for(const Shape& s) {
  Inputs in = random_inputs(s.frames * s.height * s.width + s.text, 1, 8);
  in.grid.frames = s.frames;
  in.grid.height = s.height;
  in.grid.width = s.width;
  in.grid.text_tokens = s.text;
  in.explain = true;
  return in;
}

Params params_for(const Shape& s) {
  return radial_params({{"block", std::to_string(s.block)},
                        {"decay_factor", to_text(s.decay)},
                        {"model_type", s.wan ? "wan" : "hunyuan"}});
}

TEST(Radial, BlockMapIsThatOfTheDefinitionForAlignedAndOtherFrames) {
  const std::vector<Shape> shapes{
      {6, 8, 16, 0, 64, 0.2, true},    {9, 12, 16, 64, 64, 0.95, false},  // frames of 3 blocks
      {17, 4, 16, 0, 64, 1, true},                                        // one block
      {7, 10, 15, 0, 64, 0.5, true},  // offsets, short last block
      {5, 17, 23, 0, 128, 0.2, true},  {5, 17, 23, 37, 32, 0.2, false},
      {13, 5, 7, 0, 64, 0.2, false},  // frames below a block
      {11, 13, 31, 0, 16, 0.05, false}};
  for (const Shape& s : shapes) {
    const Inputs in = inputs_for(s);
    Params params = params_for(s);
    const Plan plan = find_backend("radial").plan(in, params);
    plan.validate(in);
    const auto expected = slow_map(s);
    const Array& map = plan.explained.at("block_map");
    const int64_t n = map.shape[0];
    EXPECT_EQ(map.as<uint8_t>("map"), expected) << s.frames << "x" << s.height << "x" << s.width;
    for (int64_t i = 0; i < in.length(); i += 29) {
      std::vector<int64_t> keys;
      for (int64_t j = 0; j < in.length(); ++j)
        if (expected[i / s.block * n + j / s.block]) keys.push_back(j);
      EXPECT_EQ(visible_keys(plan.branches[0], in, i, 0), keys);
    }
  }
}

TEST(Radial, EveryQuerySeesSomethingOnTinyFrames) {
  const Inputs in = inputs_for({9, 2, 3, 0, 128, 0.2, true});
  const Backend& radial = find_backend("radial");
  EXPECT_TRUE(visible_keys(radial.plan(in, radial.defaults()).branches[0], in, 53, 0).empty());
  const Plan kept = radial.plan(in, radial_params({{"keep_diagonal", "true"}}));
  EXPECT_FALSE(visible_keys(kept.branches[0], in, 53, 0).empty());
}

TEST(Radial, FramesComeFromTheGridOrTheParameters) {
  const Backend& radial = find_backend("radial");
  Inputs in = inputs_for({6, 8, 16, 0, 64, 0.2, true});
  const Settings sizes{{"num_frames", "6"}, {"tokens_per_frame", "128"}};
  const int64_t pairs = radial.plan(in, radial.defaults()).branches[0].pairs(0, 1);
  in.grid = {};
  EXPECT_THROW(radial.plan(in, radial.defaults()), InputError);
  EXPECT_EQ(radial.plan(in, radial_params(sizes)).branches[0].pairs(0, 1), pairs);
}

TEST(Radial, RefusesContradictions) {
  const Backend& radial = find_backend("radial");
  const Inputs in = inputs_for({6, 8, 16, 10, 64, 0.2, true});
  EXPECT_NO_THROW(radial.plan(in, radial_params({{"text_length", "10"}})));
  for (const Settings& bad :
       {Settings{{"num_frames", "5"}}, {{"tokens_per_frame", "64"}}, {{"text_length", "11"}}})
    EXPECT_THROW(radial.plan(in, radial_params(bad)), InputError) << bad[0].first;
}

TEST(Radial, FirstLayerAndStepsAreDense) {
  const Backend& radial = find_backend("radial");
  Inputs in = inputs_for({9, 8, 16, 0, 128, 0.2, true});
  const auto dense = [&](int64_t step, int64_t layer) {
    in.context = {.layer = layer, .layers = 30, .step = step, .steps = 50};
    return radial.plan(in, radial.defaults()).branches[0].name == "full";
  };
  EXPECT_TRUE(dense(11, 5));
  EXPECT_TRUE(dense(30, 0));
  EXPECT_FALSE(dense(12, 1));
  EXPECT_DOUBLE_EQ(radial.run_density(radial.defaults(), 0.3, 50, 30),
                   1 - 0.7 * (38.0 / 50) * (29.0 / 30));
}

TEST(Radial, TheKnobRaisesDensity) {
  const Backend& radial = find_backend("radial");
  const DensityKnob& knob = radial.info().knob;
  const Inputs in = inputs_for({13, 20, 31, 0, 64, 0.2, true});
  int64_t before = 0, first = 0;
  for (double value : {knob.sparse, 0.3, 0.5, 0.9, 1.7, 4.0, knob.dense}) {
    const int64_t pairs =
        radial.plan(in, radial_params({{knob.param, to_text(value)}, {"block", "64"}}))
            .branches[0]
            .pairs(0, 1);
    EXPECT_GE(pairs, before) << value;
    before = pairs;
    if (first == 0) first = pairs;
  }
  EXPECT_GT(before, first);
}

}  // namespace
}  // namespace vidattn::radial_test
