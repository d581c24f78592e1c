#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::vmoba_test {
namespace {

struct Entry {
  double gate;
  int64_t chunk, head, query;
  bool own;
};

/// <q_i, mean of the keys of c> for all chunks, heads and queries, chunk-major, in float64.
std::vector<Entry> all_entries(const Inputs& in, const std::vector<int32_t>& label) {
  const int64_t chunks = *std::max_element(label.begin(), label.end()) + 1;
  std::vector<Entry> entries;
  for (int64_t c = 0; c < chunks; ++c)
    for (int64_t h = 0; h < in.heads(); ++h) {
      std::vector<double> mean(in.dim());
      const auto size = static_cast<double>(std::count(label.begin(), label.end(), c));
      for (int64_t j = 0; j < in.length(); ++j)
        for (int64_t d = 0; label[j] == c && d < in.dim(); ++d)
          mean[d] += in.k->at(j, in.kv_head(h), d) / size;
      for (int64_t i = 0; i < in.length(); ++i) {
        double dot = 0;
        for (int64_t d = 0; d < in.dim(); ++d) dot += in.q->at(i, h, d) * mean[d];
        entries.push_back({dot, c, h, i, label[i] == c});
      }
    }
  return entries;
}

/// One ranking by the words of the definition: sorts everything and walks down.
std::vector<Entry> selected(const std::vector<Entry>& entries, bool by_threshold, double threshold,
                            int64_t topk) {
  double min = INFINITY, max = -INFINITY, total = 0, own = 0;
  int64_t queries = 0;
  for (const Entry& e : entries) min = std::min(min, e.gate), max = std::max(max, e.gate);
  const double span = max - min <= 1e-6 ? 1 : max - min;
  std::vector<Entry> others, result;
  for (const Entry& e : entries) {
    const double n = (e.gate - min) / span;
    total += n;
    if (e.own) own += n, ++queries, result.push_back(e);
    if (!e.own) others.push_back(e);
  }
  std::stable_sort(others.begin(), others.end(),
                   [](const Entry& a, const Entry& b) { return a.gate > b.gate; });
  if (!by_threshold) others.resize(std::min<size_t>(others.size(), (topk - 1) * queries));
  double sum = 0;
  for (const Entry& e : others) {
    result.push_back(e);
    sum += (e.gate - min) / span;
    if (by_threshold && sum / (total + 1e-6) >= std::max(0.0, threshold - own / (total + 1e-6)))
      break;
  }
  return result;
}

/// Flags [H,L,C] from the definition.
std::vector<uint8_t> expected_select(const Inputs& in, const std::vector<int32_t>& label,
                                     const std::string& scope, bool by_threshold, double threshold,
                                     int64_t topk) {
  const auto entries = all_entries(in, label);
  const int64_t chunks = entries.back().chunk + 1;
  std::map<int64_t, std::vector<Entry>> rankings;
  for (const Entry& e : entries) {
    const int64_t key = scope == "query_head"    ? e.head * in.length() + e.query
                        : scope == "head_global" ? e.head
                        : scope == "block"       ? e.chunk
                                                 : 0;
    rankings[key].push_back(e);
  }
  std::vector<uint8_t> flags(in.heads() * in.length() * chunks);
  for (const auto& [key, ranking] : rankings)
    for (const Entry& e : selected(ranking, by_threshold, threshold, topk))
      flags[(e.head * in.length() + e.query) * chunks + e.chunk] = 1;
  return flags;
}

Inputs video(int64_t frames, int64_t height, int64_t width) {
  Inputs in = random_video(frames, height, width, 4, 8);
  in.k = random_tensor(in.length(), 2, 8, 77);
  in.v = random_tensor(in.length(), 2, 8, 78);
  in.explain = true;
  return in;
}

TEST(Vmoba, SelectsByItsDefinitionInEveryScopeAndMode) {
  const Backend& vmoba = find_backend("vmoba");
  const Inputs in = video(5, 6, 7);
  for (const char* kind : {"temporal", "spatial", "st"})
    for (const char* scope : {"query_head", "head_global", "overall", "block"})
      for (const char* value : {"0", "0.25", "0.7", "2", "99"}) {
        const bool by_threshold =
            std::string(value).find('.') != std::string::npos || std::string(value) == "0";
        if (!by_threshold && std::string(scope) == "block") continue;
        Params params = vmoba.defaults();
        params.set("chunk_kind", kind);
        params.set("temporal_chunk_size", "0.9");
        params.set("spatial_chunk_size", "3,2");
        params.set("st_chunk_size", "2,4,3");
        params.set("scope", scope);
        params.set("select_mode", by_threshold ? "threshold" : "topk");
        params.set(by_threshold ? "threshold" : "topk", value);
        const Plan plan = vmoba.plan(in, params);
        plan.validate(in);
        const auto& label = plan.explained.at("chunk_label").as<int32_t>("label");
        const auto expected = expected_select(in, label, scope, by_threshold, std::stod(value),
                                              by_threshold ? 0 : std::stoll(value));
        const std::string where = std::string(kind) + " " + scope + " " + value;
        ASSERT_EQ(plan.explained.at("select").as<uint8_t>("select"), expected) << where;
        const int64_t chunks = plan.explained.at("select").shape[2];
        for (int64_t i : {0, 100, 209}) {
          std::vector<int64_t> keys;
          for (int64_t j = 0; j < in.length(); ++j)
            if (expected[(3 * in.length() + i) * chunks + label[j]]) keys.push_back(j);
          ASSERT_EQ(visible_keys(plan.branches[0], in, i, 3), keys) << where << " token " << i;
        }
      }
}

TEST(Vmoba, EqualGatesTakeTheLowestIndices) {
  const Backend& vmoba = find_backend("vmoba");
  Inputs in = video(4, 2, 3);
  in.k = std::make_shared<const Tensor>(24, 2, 8);  // zeros: every gate is 0
  Params params = vmoba.defaults();
  params.set("chunk_kind", "temporal");
  params.set("temporal_chunk_size", "1");
  params.set("select_mode", "topk");
  params.set("topk", "2");
  for (const char* scope : {"query_head", "head_global", "overall"}) {
    params.set("scope", scope);
    const Plan plan = vmoba.plan(in, params);
    const auto& label = plan.explained.at("chunk_label").as<int32_t>("label");
    EXPECT_EQ(plan.explained.at("select").as<uint8_t>("select"),
              expected_select(in, label, scope, false, 0, 2))
        << scope;
  }
}

TEST(Vmoba, ThresholdOneIsFullAttentionAndDensityGrowsTowardsIt) {
  const Backend& vmoba = find_backend("vmoba");
  const Inputs in = video(5, 6, 7);
  Params params = vmoba.defaults();
  params.set("chunk_kind", "st");
  params.set("chunk_size", "2,3,3");
  int64_t before = 0;
  for (const char* threshold : {"0", "0.1", "0.25", "0.5", "0.9", "1"}) {
    params.set("threshold", threshold);
    const Plan plan = vmoba.plan(in, params);
    int64_t pairs = 0;
    for (int64_t h = 0; h < 4; ++h) pairs += plan.branches[0].pairs(h, 4);
    EXPECT_GT(pairs, before);
    before = pairs;
  }
  EXPECT_EQ(before, 4 * 210 * 210);
}

TEST(Vmoba, LayersCycleThroughTheKinds) {
  const Backend& vmoba = find_backend("vmoba");
  Params params = vmoba.defaults();
  params.set("temporal_layer", "2");
  params.set("first_full_layer", "1");
  std::vector<std::string> kinds;
  for (int64_t layer = -1; layer < 6; ++layer)
    kinds.push_back(
        std::get<std::string>(vmoba.derived(params, {.layer = layer}).at("chunk_kind")));
  EXPECT_EQ(kinds, (std::vector<std::string>{"temporal", "full", "temporal", "temporal", "spatial",
                                             "st", "temporal"}));
  params.set("chunk_kind", "st");
  EXPECT_EQ(std::get<std::string>(vmoba.derived(params, {.layer = 1}).at("chunk_kind")), "st");
  for (const char* name : {"temporal_layer", "spatial_layer", "st_layer"}) params.set(name, "0");
  params.set("chunk_kind", "auto");
  EXPECT_THROW(vmoba.derived(params, {}), InputError);
}

TEST(Vmoba, WarmUpIsDenseAndCountsInTheRun) {
  const Backend& vmoba = find_backend("vmoba");
  Inputs in = video(4, 4, 4);
  Params params = vmoba.defaults();
  params.set("first_full_layer", "2");
  const auto pairs = [&](int64_t step, int64_t layer) {
    in.context = {.layer = layer, .layers = 10, .step = step, .steps = 50};
    return vmoba.plan(in, params).branches[0].pairs(0, 4);
  };
  EXPECT_EQ(pairs(11, 5), 64 * 64);
  EXPECT_EQ(pairs(12, 1), 64 * 64);
  EXPECT_LT(pairs(12, 3), 64 * 64);
  EXPECT_DOUBLE_EQ(vmoba.run_density(params, 0.2, 50, 10), 1 - 0.76 * 0.8 * 0.8);
}

TEST(Vmoba, ARunAveragesTheLayersOfEveryKind) {
  const Backend& vmoba = find_backend("vmoba");
  const Inputs in = random_video(12, 8, 8, 1, 16);
  Params params = vmoba.defaults();
  const auto of_layer = [&](int64_t layer) {
    Inputs call = in;
    call.context = {.layer = layer, .layers = 30};
    const Plan plan = vmoba.plan(call, params);
    return static_cast<double>(plan.branches[0].pairs(0, 768)) / (768.0 * 768.0);
  };
  const auto mean = [&](int64_t layers) {
    double sum = 0;
    for (const auto& [layer, share] : vmoba.layer_kinds(params, layers))
      sum += share * of_layer(layer);
    return sum;
  };
  const double temporal = of_layer(0), spatial = of_layer(1), st = of_layer(2);
  EXPECT_NE(temporal, spatial);
  EXPECT_NEAR(mean(30), (temporal + spatial + st) / 3, 1e-12);
  EXPECT_NEAR(mean(4), (2 * temporal + spatial + st) / 4, 1e-12);
  params.set("dense_layers", "1");
  EXPECT_NEAR(mean(3), (spatial + st) / 2, 1e-12) << "the dense layer is no sparse call";
  params.set("chunk_kind", "st");
  EXPECT_NEAR(mean(30), st, 1e-12);
}

TEST(Vmoba, DefaultsTakeAnyGrid) {
  const Backend& vmoba = find_backend("vmoba");
  for (const auto& grid : std::vector<std::array<int64_t, 3>>{{1, 1, 1}, {5, 17, 23}, {2, 3, 70}})
    for (int64_t layer = 0; layer < 3; ++layer) {
      Inputs in = random_video(grid[0], grid[1], grid[2], 1, 8);
      in.context.layer = layer;
      const Plan plan = vmoba.plan(in, vmoba.defaults());
      plan.validate(in);
      EXPECT_FALSE(visible_keys(plan.branches[0], in, in.length() - 1, 0).empty());
    }
}

TEST(Vmoba, RefusesWhatDoesNotFit) {
  const Backend& vmoba = find_backend("vmoba");
  const auto refuses = [&](const Inputs& in, std::vector<std::pair<const char*, const char*>> set) {
    Params params = vmoba.defaults();
    for (const auto& [name, value] : set) params.set(name, value);
    EXPECT_THROW(vmoba.plan(in, params), InputError) << set[0].first << "=" << set[0].second;
  };
  const Inputs in = video(4, 4, 6);
  refuses(in, {{"chunk_size", "2"}});
  refuses(in, {{"chunk_size", "2,2"}, {"chunk_kind", "temporal"}});
  refuses(in, {{"chunk_size", "0.01"}, {"chunk_kind", "temporal"}});
  refuses(in, {{"chunk_size", "2"}, {"chunk_kind", "spatial"}});
  refuses(in, {{"chunk_size", "0,2"}, {"chunk_kind", "spatial"}});
  refuses(in, {{"chunk_size", "1,2.5,2"}, {"chunk_kind", "st"}});
  refuses(in, {{"chunk_size", "3,2,2"}, {"chunk_kind", "st"}, {"ragged", "false"}});
  refuses(in, {{"scope", "block"}, {"select_mode", "topk"}});
  refuses(random_inputs(8, 1, 8), {{"threshold", "0.5"}});
}

}  // namespace
}  // namespace vidattn::vmoba_test
