#include <gtest/gtest.h>

#include <numeric>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/block_maps.h"
#include "tests/support/inputs.h"

namespace vidattn::ssta_test {
namespace {

const Backend& ssta() { return find_backend("ssta"); }

Params ssta_params(const Settings& settings) {
  Params params = ssta().defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  return params;
}

struct Tiled {
  std::vector<int64_t> grid, tile, window;
  int64_t topk;
  std::string sampling = "importance";
  bool share = false;
  int64_t slots = 0, text = 0;
};

std::string list(const std::vector<int64_t>& numbers) {
  std::string text;
  for (int64_t n : numbers) text += (text.empty() ? "" : ",") + std::to_string(n);
  return text;
}

Params params_for(const Tiled& s) {
  return ssta_params({{"tile", list(s.tile)},
                      {"window", list(s.window)},
                      {"topk", std::to_string(s.topk)},
                      {"sampling", s.sampling},
                      {"share_heads", s.share ? "true" : "false"},
                      {"text_length", std::to_string(s.text)},
                      {"text_max", std::to_string(s.slots)}});
}

Inputs inputs_for(const Tiled& s) {
  const int64_t length = s.grid[0] * s.grid[1] * s.grid[2] + s.slots;
  Generator random{5};
  Inputs in = random_inputs(length, length, 4, 2, 8, random);
  in.grid = {.frames = s.grid[0], .height = s.grid[1], .width = s.grid[2]};
  in.grid.text_tokens = s.slots;
  return in;
}

int64_t tiles_of(const Tiled& s, int axis) {
  return (s.grid[axis] + s.tile[axis] - 1) / s.tile[axis];
}

std::vector<int64_t> labels(const Tiled& s) {
  std::vector<int64_t> label;
  for (int64_t t = 0; t < s.grid[0]; ++t)
    for (int64_t y = 0; y < s.grid[1]; ++y)
      for (int64_t x = 0; x < s.grid[2]; ++x)
        label.push_back((t / s.tile[0] * tiles_of(s, 1) + y / s.tile[1]) * tiles_of(s, 2) +
                        x / s.tile[2]);
  return label;
}

bool in_window(const Tiled& s, int64_t a, int64_t b) {
  bool seen = true;
  for (int axis = 2; axis >= 0; --axis) {
    const int64_t n = tiles_of(s, axis), r = s.window[axis] / 2;
    seen = seen && (2 * r >= n || std::abs(std::clamp(a % n, r, n - 1 - r) - b % n) <= r);
    a /= n;
    b /= n;
  }
  return seen;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// (cos + 1) / 2.
double likeness(const std::vector<double>& a, const std::vector<double>& b) {
  return (dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)) + 1) / 2;
}

std::vector<double> slow_scores(const Tiled& s, const Rows& q, const Rows& k, int64_t a) {
  std::vector<double> scores;
  for (size_t b = 0; b < k.size(); ++b) {
    double others = 0;
    for (size_t c = 0; c < k.size(); ++c)
      if (c != b) others += likeness(k[c], k[b]) / static_cast<double>(k.size() - 1);
    scores.push_back(s.sampling == "importance" ? 0.7 * likeness(q[a], k[b]) - 0.3 * others
                                                : dot(q[a], k[b]));
  }
  return scores;
}

/// Means of a head's tiles, or of all heads.
Rows compared(const Tensor& tensor, const Tiled& s, int64_t head) {
  if (!s.share) return slow_means(tensor, head, labels(s));
  Rows mean = slow_means(tensor, 0, labels(s));
  for (int64_t h = 1; h < tensor.heads(); ++h) {
    const Rows more = slow_means(tensor, h, labels(s));
    for (size_t b = 0; b < mean.size(); ++b)
      for (size_t c = 0; c < mean[b].size(); ++c) mean[b][c] += more[b][c];
  }
  for (auto& row : mean)
    for (double& x : row) x /= static_cast<double>(tensor.heads());
  return mean;
}

void expect_definition(const Tiled& s) {
  const Inputs in = inputs_for(s);
  const Plan plan = ssta().plan(in, params_for(s));
  plan.validate(in);
  EXPECT_EQ(plan.branches[0].tables.size(), s.share ? 1U : 4U);
  const auto label = labels(s);
  const auto video = static_cast<int64_t>(label.size());
  for (int64_t h = 0; h < in.heads(); ++h) {
    const Rows q = compared(*in.q, s, h), k = compared(*in.k, s, in.kv_head(h));
    std::vector<std::vector<double>> scores;
    for (size_t a = 0; a < q.size(); ++a)
      scores.push_back(slow_scores(s, q, k, static_cast<int64_t>(a)));
    for (int64_t i = 0; i < in.length(); ++i) {
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < video + s.text; ++j)
        if (i >= video || j >= video || in_window(s, label[i], label[j]) ||
            rank_of(scores[label[i]], label[j]) < s.topk)
          expected.push_back(j);
      ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected) << "token " << i;
    }
  }
}

TEST(Ssta, SelectsAsItsDefinitionSaysOnAnyGrid) {
  for (const Tiled& s :
       std::vector<Tiled>{{{4, 8, 8}, {2, 4, 4}, {1, 1, 1}, 3},
                          {{5, 7, 9}, {2, 3, 4}, {1, 3, 2}, 4, "importance", false, 30, 25},
                          {{5, 7, 9}, {2, 3, 4}, {3, 1, 1}, 4, "similarity", true, 7, 0},
                          {{1, 3, 5}, {1, 2, 2}, {1, 1, 1}, 0, "importance", true},
                          {{1, 1, 17}, {6, 8, 8}, {3, 3, 3}, 2, "similarity"},
                          {{1, 1, 1}, {6, 8, 8}, {3, 3, 3}, 64, "importance", false, 16, 1}})
    expect_definition(s);
}

TEST(Ssta, OfEqualTilesTheLowerWins) {
  for (const char* sampling : {"importance", "similarity"}) {
    Inputs in = random_video(1, 1, 40, 1, 16);
    auto k = std::make_shared<Tensor>(in.k->clone());
    for (int64_t i = 8; i < 40; ++i) std::copy_n(k->row(i % 8, 0), 16, k->row(i, 0));
    in.k = k;
    const Plan plan = ssta().plan(
        in, ssta_params(
                {{"tile", "1,1,8"}, {"window", "1,1,1"}, {"topk", "2"}, {"sampling", sampling}}));
    for (int64_t i = 0; i < 16; ++i)
      EXPECT_EQ(visible_keys(plan.branches[0], in, i, 0).back(), 15) << sampling << " " << i;
  }
}

TEST(Ssta, TheThresholdCountsFromEightToTopk) {
  Inputs in = random_video(1, 8, 8, 1, 8);
  const auto kept = [&](const std::string& threshold, const std::string& topk) {
    const Plan plan = ssta().plan(in, ssta_params({{"tile", "1,2,2"},
                                                   {"window", "1,1,1"},
                                                   {"sampling", "similarity"},
                                                   {"temperature", "1e6"},  // as good as uniform
                                                   {"threshold", threshold},
                                                   {"topk", topk}}));
    int64_t most = 0;
    for (int64_t i = 0; i < 64; ++i)
      most = std::max(most, std::ssize(visible_keys(plan.branches[0], in, i, 0)) / 4);
    return most;
  };
  // Of 16 tiles: 8 at least, or one more than the first rank at the threshold, or topk; and the
  // own.
  EXPECT_EQ(kept("0.1", "12"), 9);
  EXPECT_EQ(kept("0.61", "12"), 11);
  EXPECT_EQ(kept("1", "12"), 13);
  EXPECT_EQ(kept("0.61", "5"), 6);
  in.grid.height = 4;
  in.grid.width = 16;
  EXPECT_NO_THROW(ssta().plan(in, ssta_params({{"tile", "1,4,4"}, {"threshold", "0.5"}})));
  EXPECT_THROW(
      ssta().plan(
          in, ssta_params({{"tile", "1,3,4"}, {"threshold", "0.5"}, {"sampling", "similarity"}})),
      InputError);
}

TEST(Ssta, EveryKnobRaisesDensityUpToAll) {
  const Inputs in = random_video(7, 17, 23, 1, 8);
  for (const DensityKnob& knob : ssta().knobs(in, ssta().defaults())) {
    int64_t before = 0;
    for (int step = 0; step <= 10; ++step) {
      Params params = ssta_params(knob.settings);
      const double value = knob.sparse + (knob.dense - knob.sparse) * step / 10;
      params.set(knob.param, std::to_string(static_cast<int64_t>(value)));
      const Plan plan = ssta().plan(in, params);
      EXPECT_GE(plan.branches[0].pairs(0, 1), before);
      before = plan.branches[0].pairs(0, 1);
    }
    EXPECT_EQ(before, in.length() * in.length());
  }
}

TEST(Ssta, RefusesWhatDoesNotFit) {
  const Inputs in = inputs_for({{4, 4, 4}, {}, {}, 0, "importance", false, 3, 3});
  EXPECT_THROW(ssta().plan(random_inputs(8, 1, 8), ssta().defaults()), InputError);
  for (const Settings& bad :
       {Settings{{"text_max", "4"}}, {{"text_length", "4"}}, {{"num_tiles", "1,2,3"}}})
    EXPECT_THROW(ssta().plan(in, ssta_params(bad)), InputError) << bad[0].first;
}

}  // namespace
}  // namespace vidattn::ssta_test
