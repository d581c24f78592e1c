#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::bsa_test {
namespace {

using Row = std::vector<double>;

Row row_of(const Tensor& tensor, int64_t token, int64_t head) {
  Row row;
  for (int64_t c = 0; c < tensor.dim(); ++c) row.push_back(tensor.at(token, head, c));
  return row;
}

double dot(const Row& a, const Row& b) {
  double sum = 0;
  for (size_t c = 0; c < a.size(); ++c) sum += a[c] * b[c];
  return sum;
}

Row mean_of(const Tensor& tensor, const std::vector<int64_t>& tokens, int64_t head) {
  Row mean(tensor.dim());
  for (int64_t i : tokens)
    for (size_t c = 0; c < mean.size(); ++c)
      mean[c] += tensor.at(i, head, static_cast<int64_t>(c)) / static_cast<double>(tokens.size());
  return mean;
}

/// Tokens of every tile in raster order, found by asking every token.
std::vector<std::vector<int64_t>> tiles_of(const VideoGrid& grid,
                                           const std::vector<int64_t>& tile) {
  std::map<std::vector<int64_t>, std::vector<int64_t>> by_place;
  for (int64_t i = 0; i < grid.tokens(); ++i)
    by_place[{i / grid.frame_size() / tile[0], i % grid.frame_size() / grid.width / tile[1],
              i % grid.width / tile[2]}]
        .push_back(i);
  std::vector<std::vector<int64_t>> tiles;
  for (auto& [place, tokens] : by_place) tiles.push_back(std::move(tokens));
  return tiles;
}

/// Kept tokens of a tile: a token stays if fewer than `count` are less similar to the centre.
std::vector<int64_t> kept_of(const Tensor& q, const std::vector<int64_t>& tile, int64_t head,
                             int64_t count) {
  const Row centre = row_of(q, tile[tile.size() / 2], head);
  std::vector<double> similarity;
  for (int64_t i : tile) {
    const Row row = row_of(q, i, head);
    similarity.push_back(dot(row, centre) / std::sqrt(dot(row, row) * dot(centre, centre)));
  }
  std::vector<int64_t> kept;
  for (size_t a = 0; a < tile.size(); ++a) {
    int64_t before = 0;
    for (size_t b = 0; b < tile.size(); ++b)
      before += similarity[b] < similarity[a] || (similarity[b] == similarity[a] && b < a);
    if (before < count) kept.push_back(tile[a]);
  }
  return kept;
}

/// Key tiles kept by the cumulative rule, as a set.
std::vector<bool> selected_tiles(const Row& query, const std::vector<Row>& keys, double threshold,
                                 int64_t at_least) {
  std::vector<std::pair<double, size_t>> ranked;
  double sum = 0;
  for (size_t b = 0; b < keys.size(); ++b) {
    const double e = std::exp(dot(query, keys[b]) / std::sqrt(static_cast<double>(query.size())));
    ranked.push_back({-e, b});
    sum += e;
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<bool> keep(keys.size());
  double before = 0;
  for (size_t r = 0; r < ranked.size(); ++r) {
    keep[ranked[r].second] = r == 0 || before < threshold || static_cast<int64_t>(r) < at_least;
    before -= ranked[r].first / sum;
  }
  return keep;
}

struct Shape {
  int64_t frames, height, width;
  std::vector<int64_t> tile;
  double ratio, threshold;
  int64_t at_least;
};

void compare(const Shape& s, const Inputs& in, const Plan& plan, int64_t h) {
  const auto tiles = tiles_of(in.grid, s.tile);
  std::vector<Row> key_means;
  for (const auto& tile : tiles) key_means.push_back(mean_of(*in.k, tile, in.kv_head(h)));
  int64_t pairs = 0;
  for (const auto& tile : tiles) {
    const int64_t count =
        std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(tile.size()) * s.ratio));
    const auto kept = kept_of(*in.q, tile, h, count);
    const auto keep = selected_tiles(mean_of(*in.q, kept, h), key_means, s.threshold, s.at_least);
    std::vector<int64_t> expected;
    for (size_t b = 0; b < tiles.size(); ++b)
      if (keep[b]) expected.insert(expected.end(), tiles[b].begin(), tiles[b].end());
    std::sort(expected.begin(), expected.end());
    pairs += static_cast<int64_t>(kept.size() * expected.size());
    for (size_t a = 0; a < tile.size(); ++a) {
      int64_t source = kept[0], best = 1 << 30;
      for (int64_t token : kept) {
        const int64_t at = std::find(tile.begin(), tile.end(), token) - tile.begin();
        if (std::abs(at - static_cast<int64_t>(a)) < best) {
          best = std::abs(at - static_cast<int64_t>(a));
          source = token;
        }
      }
      const auto& maps = plan.branches[0].output_map;
      ASSERT_EQ(maps.empty() ? tile[a] : maps[h][tile[a]], source) << "token " << tile[a];
      ASSERT_EQ(visible_keys(plan.branches[0], in, tile[a], h), expected) << "token " << tile[a];
    }
  }
  EXPECT_EQ(plan.branches[0].pairs(h, in.heads()), pairs);
}

TEST(Bsa, PrunesSelectsAndCopiesAsItsDefinitionSaysOnAnyGrid) {
  const Backend& bsa = find_backend("bsa");
  const std::vector<Shape> shapes{{1, 1, 1, {4, 4, 4}, 0.5, 0.9, 4},
                                  {4, 4, 8, {2, 2, 2}, 0.5, 0.9, 4},
                                  {5, 7, 6, {4, 4, 4}, 0.3, 0.6, 2},  // ragged
                                  {3, 5, 4, {2, 2, 3}, 0.01, 0.3, 0},
                                  {4, 5, 3, {2, 3, 2}, 1, 0.5, 1}};
  for (const Shape& s : shapes) {
    Inputs in = random_video(s.frames, s.height, s.width, 2, 8);
    in.k = random_tensor(in.length(), 1, 8, 71, 3);  // both query heads share a key head
    in.v = random_tensor(in.length(), 1, 8, 72);
    in.explain = true;
    Params params = bsa.defaults();
    params.set("tile", std::to_string(s.tile[0]) + "," + std::to_string(s.tile[1]) + "," +
                           std::to_string(s.tile[2]));
    params.set("query_keep_ratio", std::to_string(s.ratio));
    params.set("kv_cumulative_threshold", std::to_string(s.threshold));
    params.set("min_kv_blocks", std::to_string(s.at_least));
    const Plan plan = bsa.plan(in, params);
    plan.validate(in);
    for (int64_t h = 0; h < 2; ++h) compare(s, in, plan, h);
  }
}

TEST(Bsa, DensityRisesWithTheThreshold) {
  const Backend& bsa = find_backend("bsa");
  Inputs in = random_video(5, 17, 23, 1, 8);
  in.k = random_tensor(in.length(), 1, 8, 5, 4);  // peaked enough for the threshold to matter
  Params params = bsa.defaults();
  const DensityKnob& knob = bsa.info().knob;
  int64_t first = 0, before = 0;
  for (int step = 0; step <= 10; ++step) {
    params.set(knob.param, std::to_string(knob.sparse + (knob.dense - knob.sparse) * step / 10));
    const int64_t pairs = bsa.plan(in, params).branches[0].pairs(0, 1);
    EXPECT_GE(pairs, before);
    before = pairs;
    if (step == 0) first = pairs;
  }
  EXPECT_GT(before, first);
}

TEST(Bsa, RefusesWhatDoesNotFit) {
  const Backend& bsa = find_backend("bsa");
  EXPECT_THROW(bsa.plan(random_inputs(64, 1, 8), bsa.defaults()), InputError);
  Params params = bsa.defaults();
  params.set("kept_per_tile", "31");
  EXPECT_THROW(bsa.plan(random_video(4, 4, 4, 1, 8), params), InputError);
}

}  // namespace
}  // namespace vidattn::bsa_test
