#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/block_maps.h"
#include "tests/support/inputs.h"

namespace vidattn::rainfusion_test {
namespace {

const Backend& rainfusion() { return find_backend("rainfusion"); }

Params fusion_params(const Settings& settings) {
  Params params = rainfusion().defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  return params;
}

struct Fusion {
  int64_t frames, height, width, text;
  std::string variant;
  int64_t block, patch;
  double sparsity;

  Params params() const {
    return fusion_params({{"variant", variant},
                          {"block", std::to_string(block)},
                          {"patch", std::to_string(patch)},
                          {"sparsity", std::to_string(sparsity)}});
  }
  Inputs inputs() const {
    Inputs in = random_inputs(frames * height * width + text, 2, 8);
    in.grid = {.frames = frames, .height = height, .width = width};
    in.grid.text_tokens = text;
    in.explain = true;
    return in;
  }
};

/// By what tokens are sorted: which part they are in, then where in it.
using SortKey = std::array<int64_t, 7>;

SortKey key_of(const Fusion& f, int64_t token) {
  const int64_t size = f.height * f.width, t = token / size, y = token % size / f.width,
                x = token % f.width, rows = f.height / f.patch * f.patch,
                columns = f.width / f.patch * f.patch;
  if (token >= f.frames * size) return {9, token};
  const bool cubes = f.variant == "cubes";
  const bool divides = rows == f.height && columns == f.width;
  if (t == 0 && (cubes || !divides)) return {cubes ? 5 : -1, token};
  const int64_t frame = cubes ? 0 : t;  // the cubes' parts are of all frames
  if (y >= rows) return {frame, 2, token};
  if (x >= columns) return {frame, 3, token};
  return {frame, 1, cubes ? (t - 1) / 2 : 0, y / f.patch, x / f.patch, token};
}

std::vector<int32_t> slow_order(const Fusion& f, int64_t length) {
  std::vector<int32_t> order(length);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return key_of(f, a) < key_of(f, b); });
  return order;
}

/// Whether every token of the block's protected part makes it one that sees and is seen by all.
std::pair<int64_t, int64_t> slow_protected(const Fusion& f, int64_t blocks) {
  const int64_t size = f.height * f.width;
  if (f.variant == "cubes") return {(f.frames - 1) * size / f.block, blocks};
  return {0, (size + f.block - 1) / f.block};
}

void expect_definition(const Fusion& f) {
  const Inputs in = f.inputs();
  const Plan plan = rainfusion().plan(in, f.params());
  plan.validate(in);
  const auto order = slow_order(f, in.length());
  ASSERT_EQ(plan.explained.at("order").as<int32_t>("order"), order);
  const int64_t n = (in.length() + f.block - 1) / f.block;
  std::vector<int64_t> label(in.length());
  for (int64_t p = 0; p < in.length(); ++p) label[order[p]] = p / f.block;
  const auto [begin, end] = slow_protected(f, n);
  const auto keep = std::clamp<int64_t>(
      static_cast<int64_t>(std::ceil(static_cast<double>(n) * (1 - f.sparsity))), 1, n);
  const auto whole = [&, b = begin, e = end](int64_t block) { return block >= b && block < e; };
  for (int64_t h = 0; h < in.heads(); ++h) {
    const Rows q = slow_means(*in.q, h, label), k = slow_means(*in.k, h, label);
    for (int64_t i = 0; i < in.length(); ++i) {
      const int64_t a = label[i];
      std::vector<double> scores(n);
      for (int64_t b = 0; b < n; ++b)
        scores[b] = std::inner_product(q[a].begin(), q[a].end(), k[b].begin(), 0.0);
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < in.length(); ++j)
        if (whole(a) || whole(label[j]) || rank_of(scores, label[j]) < keep) expected.push_back(j);
      ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected) << f.variant << " token " << i;
    }
  }
}

TEST(Rainfusion, OrdersAndSelectsAsItsDefinitionSays) {
  for (const Fusion& f : std::vector<Fusion>{{5, 8, 8, 0, "patches", 16, 4, 0.7},
                                             {4, 6, 10, 0, "patches", 16, 4, 0.75},
                                             {3, 3, 5, 0, "patches", 7, 8, 0.5},
                                             {1, 1, 1, 0, "patches", 128, 8, 0.8},
                                             {1, 3, 5, 0, "patches", 4, 2, 0.9},
                                             {5, 8, 8, 20, "cubes", 32, 4, 0.6},
                                             {3, 7, 9, 0, "cubes", 16, 4, 0.7},
                                             {4, 5, 7, 3, "cubes", 9, 2, 1},
                                             {1, 1, 17, 1, "cubes", 4, 2, 0.5},
                                             {2, 1, 8, 1, "cubes", 3, 8, 0.9}})
    expect_definition(f);
}

TEST(Rainfusion, KeepsAllOfATie) {
  Inputs in = random_video(3, 4, 4, 1, 8);
  in.k = std::make_shared<const Tensor>(in.length(), 1, 8);
  const Plan plan =
      rainfusion().plan(in, fusion_params({{"block", "4"}, {"patch", "2"}, {"sparsity", "0.9"}}));
  EXPECT_EQ(plan.branches[0].pairs(0, 1), in.length() * in.length());
}

TEST(Rainfusion, TextIsSeenByAllAndSeesAllInBothOrders) {
  for (const char* variant : {"patches", "cubes"}) {
    const Fusion f{3, 8, 8, 5, variant, 16, 4, 0.9};
    const Inputs in = f.inputs();
    const Plan plan = rainfusion().plan(in, f.params());
    plan.validate(in);
    EXPECT_EQ(visible_keys(plan.branches[0], in, in.length() - 1, 1).size(), in.length());
    EXPECT_EQ(visible_keys(plan.branches[0], in, 70, 1).back(), in.length() - 1);
  }
}

TEST(Rainfusion, TheKnobRaisesDensityUpToAll) {
  const Inputs in = random_video(5, 17, 23, 1, 8);
  const DensityKnob& knob = rainfusion().info().knob;
  int64_t before = 0;
  for (int step = 0; step <= 10; ++step) {
    const double value = knob.sparse + (knob.dense - knob.sparse) * step / 10;
    const Plan plan = rainfusion().plan(in, fusion_params({{knob.param, std::to_string(value)}}));
    EXPECT_GE(plan.branches[0].pairs(0, 1), before);
    before = plan.branches[0].pairs(0, 1);
  }
  EXPECT_EQ(before, in.length() * in.length());
}

TEST(Rainfusion, RefusesWhatDoesNotFit) {
  EXPECT_THROW(rainfusion().plan(random_inputs(64, 2, 8), rainfusion().defaults()), InputError);
  const Fusion f{3, 8, 8, 5, "cubes", 16, 4, 0.9};
  for (const Settings& bad :
       {Settings{{"text_place", "none"}}, {{"text_length", "4"}}, {{"keep", "1"}}}) {
    Params params = f.params();
    for (const auto& [name, value] : bad) params.set(name, value);
    EXPECT_THROW(rainfusion().plan(f.inputs(), params), InputError) << bad[0].first;
  }
}

}  // namespace
}  // namespace vidattn::rainfusion_test
