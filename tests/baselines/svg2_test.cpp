#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "baselines/procedure.h"
#include "tests/support/inputs.h"

namespace vidattn::svg2_test {
namespace {

const Backend& svg2() { return find_backend("svg2"); }

Params settings(const std::vector<std::pair<std::string, std::string>>& values) {
  Params params = svg2().defaults();
  for (const auto& [name, value] : values) params.set(name, value);
  return params;
}

Inputs explained(Inputs in) {
  in.explain = true;
  return in;
}

const std::vector<int32_t>& ints(const Plan& plan, const std::string& name) {
  return plan.explained.at(name).as<int32_t>(name.c_str());
}

/// Clusters that query cluster `a` keeps, written down from the definition in float64.
std::vector<bool> kept_clusters(const float* query, const float* keys,
                                const std::vector<int64_t>& sizes, int64_t dim, double top_p,
                                double ratio) {
  const auto count = static_cast<int64_t>(sizes.size());
  std::vector<double> p(count);
  for (int64_t b = 0; b < count; ++b) {
    for (int64_t c = 0; c < dim; ++c) p[b] += double{query[c]} * keys[b * dim + c];
    p[b] = static_cast<double>(sizes[b]) * std::exp(p[b] / std::sqrt(static_cast<double>(dim)));
  }
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  std::vector<bool> kept(count);
  for (int64_t b = 0; b < count; ++b) {
    double before = 0;
    int64_t rank = 0;
    for (int64_t other = 0; other < count; ++other)
      if (p[other] > p[b] || (p[other] == p[b] && other < b)) {
        before += p[other] / sum;
        ++rank;
      }
    kept[b] = rank == 0 || before <= top_p ||
              rank < static_cast<int64_t>(ratio * static_cast<double>(count));
  }
  return kept;
}

/// Compares what every token sees with the definition, from the explained labels and centroids.
void expect_definition(const Inputs& in, const Params& params, int64_t prompt, int64_t padding) {
  const Plan plan = svg2().plan(in, params);
  plan.validate(in);
  const auto &q_labels = ints(plan, "q_labels"), &k_labels = ints(plan, "k_labels");
  const Array &qc = plan.explained.at("q_centroids"), &kc = plan.explained.at("k_centroids");
  const int64_t length = in.length(), video = length - prompt - padding, dim = in.dim();
  for (int64_t h = 0; h < in.heads(); ++h) {
    const int64_t kv = in.kv_head(h);
    const float* queries = &qc.as<float>("qc")[h * qc.shape[1] * dim];
    const float* keys = &kc.as<float>("kc")[kv * kc.shape[1] * dim];
    std::vector<int64_t> sizes(kc.shape[1]);
    for (int64_t j = 0; j < video; ++j) ++sizes[k_labels[kv * length + j]];
    for (int64_t i = 0; i < length; ++i) {
      std::vector<bool> kept(kc.shape[1], true);
      if (i < video)
        kept = kept_clusters(queries + q_labels[h * length + i] * dim, keys, sizes, dim,
                             std::get<double>(params.value("top_p")),
                             std::get<double>(params.value("min_kc_ratio")));
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < length; ++j) {
        const bool padded = i >= video + prompt || j >= video + prompt;
        if (padded ? i >= video + prompt && j >= video + prompt
                   : j >= video || kept[k_labels[kv * length + j]])
          expected.push_back(j);
      }
      ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected) << "token " << i;
    }
  }
}

TEST(Svg2, TokensSeeTheKeptClustersOfTheirCluster) {
  const Inputs in = explained(random_inputs(203, 2, 8));
  for (const char* top_p : {"0", "0.3", "0.9", "1"})
    for (const char* ratio : {"0", "0.35", "1"})
      expect_definition(in,
                        settings({{"num_q_centroids", "7"},
                                  {"num_k_centroids", "19"},
                                  {"top_p", top_p},
                                  {"min_kc_ratio", ratio}}),
                        0, 0);
  // More clusters than tokens, and the defaults.
  expect_definition(explained(random_inputs(11, 1, 8)), svg2().defaults(), 0, 0);
}

TEST(Svg2, KeyHeadsAreClusteredOnceForTheirQueryHeads) {
  Inputs in = explained(random_inputs(60, 4, 8));
  in.k = random_tensor(60, 2, 8, 11);
  in.v = random_tensor(60, 2, 8, 12);
  expect_definition(in, settings({{"num_q_centroids", "5"}, {"num_k_centroids", "9"}}), 0, 0);
}

TEST(Svg2, PromptAndPaddingAreClustersOfTheirOwn) {
  const auto params = [](const char* slots, const char* prompt) {
    return settings({{"num_q_centroids", "4"},
                     {"num_k_centroids", "6"},
                     {"top_p", "0.3"},
                     {"context_length", slots},
                     {"prompt_length", prompt}});
  };
  const Inputs in = explained(random_inputs(70, 2, 8));
  expect_definition(in, params("12", "5"), 5, 7);
  expect_definition(in, params("12", "-1"), 12, 0);
  expect_definition(in, params("12", "0"), 0, 12);
}

TEST(Svg2, ASearchClustersOnceAndPlansTheSame) {
  Inputs in = explained(random_inputs(120, 4, 8));
  in.k = random_tensor(120, 2, 8, 11);
  in.v = random_tensor(120, 2, 8, 12);
  const auto params = settings({{"num_q_centroids", "5"},
                                {"num_k_centroids", "9"},
                                {"top_p", "0.4"},
                                {"context_length", "12"},
                                {"prompt_length", "5"}});
  const Plan plan = svg2().plan(in, params);
  Inputs ready = in;
  svg2().prepare_search(ready, params);
  const Plan again = svg2().plan(ready, params);
  EXPECT_EQ(again.figures.at("k_iterations"), 0);
  for (const std::string name : {"q_labels", "k_labels", "q_sizes", "k_sizes"})
    EXPECT_EQ(ints(again, name), ints(plan, name)) << name;
  EXPECT_EQ(again.explained.at("map").as<uint8_t>("map"),
            plan.explained.at("map").as<uint8_t>("map"));
}

TEST(Svg2, GivenLabelsAreTakenAndInitialCentroidsOutrankThem) {
  Inputs in = explained(random_inputs(40, 1, 8));
  std::vector<int32_t> labels(40);
  for (int i = 0; i < 40; ++i) labels[i] = i % 3;
  for (const std::string side : {"q", "k"}) {
    in.extra[side + "_labels"] = std::make_shared<const Array>(Array{{1, 40}, labels});
    in.extra[side + "_centroids"] = random_array({1, 3, 8}, 5);
  }
  const Plan given = svg2().plan(in, svg2().defaults());
  EXPECT_EQ(ints(given, "k_labels"), labels);
  EXPECT_EQ(given.figures.at("k_iterations"), 0);
  expect_definition(in, settings({{"top_p", "0.4"}}), 0, 0);

  in.extra["k_centroids_init"] = random_array({1, 4, 8}, 6);
  svg2().prepare(in, svg2().defaults());
  EXPECT_FALSE(in.find("k_labels"));
  EXPECT_TRUE(in.find("q_labels"));
  const Plan found = svg2().plan(in, settings({{"kmeans_iters", "1"}, {"iterations_run", "0,1"}}));
  // One iteration: every label is that of the nearest initial centroid.
  const auto& init = in.find("k_centroids_init")->as<float>("init");
  for (int64_t i = 0; i < 40; ++i) {
    std::vector<double> distance(4);
    for (int64_t m = 0; m < 4; ++m)
      for (int64_t c = 0; c < 8; ++c)
        distance[m] += std::pow(double{in.k->at(i, 0, c)} - init[m * 8 + c], 2);
    EXPECT_EQ(ints(found, "k_labels")[i],
              std::min_element(distance.begin(), distance.end()) - distance.begin());
  }
}

TEST(Svg2, LaterStepsStartFromTheCentroidsBefore) {
  Inputs in = explained(random_inputs(300, 2, 8));
  StepCache cache;
  const Params params = settings({{"num_q_centroids", "8"},
                                  {"num_k_centroids", "8"},
                                  {"kmeans_iters", "4"},
                                  {"kmeans_tol", "0"},
                                  {"dense_layer_share", "0"}});
  in.context = {.layer = 7, .layers = 30, .step = 20, .steps = 50, .cache = &cache};
  const Plan first = svg2().plan(in, params);
  EXPECT_EQ(first.figures.at("q_iterations"), 4);
  ++in.context.step;
  const Plan later = svg2().plan(in, params);
  EXPECT_EQ(later.figures.at("q_iterations"), 2);
  // 4 and 2 iterations of the same points are 6 from the same start.
  in.context.cache = nullptr;
  Params six = params;
  six.set("kmeans_iters", "6");
  const Plan whole = svg2().plan(in, six);
  EXPECT_EQ(later.explained.at("q_centroids").as<float>("q"),
            whole.explained.at("q_centroids").as<float>("q"));
  // Another layer starts anew, the warm-up is dense.
  in.context.cache = &cache;
  in.context.layer = 8;
  EXPECT_EQ(svg2().plan(in, params).figures.at("k_iterations"), 4);
  in.context.step = 9;
  EXPECT_EQ(svg2().plan(in, params).branches[0].name, "full");
  EXPECT_DOUBLE_EQ(svg2().run_density(params, 0.5, 50, 30), 0.6);
}

TEST(Svg2, HalfTypesClusterAsTheirValues) {
  Inputs in = explained(random_inputs(300, 2, 8));
  for (auto* tensor : {&in.q, &in.k, &in.v})
    *tensor = std::make_shared<const Tensor>((*tensor)->to(DType::bf16));
  const Params params = settings({{"num_q_centroids", "6"}, {"num_k_centroids", "12"}});
  const Plan half = svg2().plan(in, params);
  for (auto* tensor : {&in.q, &in.k, &in.v})
    *tensor = std::make_shared<const Tensor>((*tensor)->to(DType::f32));
  const Plan single = svg2().plan(in, params);
  EXPECT_EQ(ints(half, "k_labels"), ints(single, "k_labels"));
  EXPECT_EQ(half.explained.at("map").as<uint8_t>("map"),
            single.explained.at("map").as<uint8_t>("map"));
}

TEST(Svg2, DensityRisesWithTopP) {
  const Inputs in = explained(random_inputs(400, 1, 8));
  int64_t before = 0;
  for (const char* top_p : {"0", "0.3", "0.6", "0.9", "1"}) {
    const Plan plan = svg2().plan(in, settings({{"top_p", top_p}}));
    EXPECT_GE(plan.branches[0].pairs(0, 1), before);
    before = plan.branches[0].pairs(0, 1);
  }
  EXPECT_GT(before, 0.99 * 400 * 400);
}

TEST(Svg2, RefusesWhatDoesNotFit) {
  const Inputs good = random_inputs(20, 2, 8);
  const auto refuses = [&](const std::map<std::string, Array>& extras, const Params& params) {
    Inputs in = good;
    for (const auto& [name, array] : extras) in.extra[name] = std::make_shared<const Array>(array);
    EXPECT_THROW(svg2().plan(in, params), InputError);
  };
  const Array labels{{2, 20}, std::vector<int32_t>(40, 2)}, centroids = *random_array({2, 3, 8}, 1);
  refuses({{"q_labels", labels}}, svg2().defaults());  // no centroids
  refuses({{"q_labels", {{1, 20}, std::vector<int32_t>(20)}}, {"q_centroids", centroids}},
          svg2().defaults());
  refuses({{"q_labels", {{2, 20}, std::vector<int32_t>(40, 3)}}, {"q_centroids", centroids}},
          svg2().defaults());
  refuses({{"q_labels", {{2, 20}, std::vector<float>(40)}}, {"q_centroids", centroids}},
          svg2().defaults());
  refuses({{"q_labels", labels}, {"q_centroids", centroids}}, settings({{"num_q_centroids", "4"}}));
  refuses({{"k_centroids_init", *random_array({2, 3, 7}, 1)}}, svg2().defaults());
  refuses({}, settings({{"iterations_run", "1,77"}}));
  refuses({}, settings({{"context_length", "20"}}));
}

/// The procedure of the definition, one plain step after the other, in float64.
TEST(Svg2KMeans, FollowsTheDefinition) {
  const Procedure& procedure = *find_procedure("svg2_kmeans");
  for (int64_t iterations : {1, 2, 5, 100}) {
    const int64_t length = 90, heads = 2, count = 4, dim = 3;
    Inputs in;
    const auto x = random_array({length, heads, dim}, 21);
    std::vector<float> init(heads * count * dim, 100.0F);  // the last cluster stays empty
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t c = 0; c < 3 * dim; ++c)
        init[h * count * dim + c] = x->as<float>("x")[(c / dim * heads + h) * dim + c % dim];
    in.extra["x"] = x;
    in.extra["centroids_init"] = std::make_shared<const Array>(Array{{heads, count, dim}, init});
    Params params(procedure.params());
    params.set("max_iters", std::to_string(iterations));
    const auto result = procedure.run(in, params);

    const auto& points = x->as<float>("x");
    std::vector<double> centre(init.begin(), init.end());
    std::vector<int32_t> labels(heads * length), sizes;
    int64_t run = 0;
    for (double shift = 1; run < iterations && shift >= 1e-4; ++run) {
      sizes.assign(heads * count, 0);
      std::vector<double> mean(centre.size());
      shift = 0;
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t i = 0; i < length; ++i) {
          double nearest = INFINITY;
          for (int64_t m = 0; m < count; ++m) {
            double d = 0;
            for (int64_t c = 0; c < dim; ++c)
              d += std::pow(points[(i * heads + h) * dim + c] - centre[(h * count + m) * dim + c],
                            2);
            if (d < nearest) labels[h * length + i] = static_cast<int32_t>(m);
            nearest = std::min(nearest, d);
          }
          const int64_t m = h * count + labels[h * length + i];
          ++sizes[m];
          for (int64_t c = 0; c < dim; ++c) mean[m * dim + c] += points[(i * heads + h) * dim + c];
        }
        for (int64_t m = h * count; m < (h + 1) * count; ++m) {
          double moved = 0;
          for (int64_t c = m * dim; c < (m + 1) * dim; ++c) {
            mean[c] = sizes[m] > 0 ? mean[c] / sizes[m] : centre[c];
            moved += std::pow(mean[c] - centre[c], 2);
          }
          shift = std::max(shift, std::sqrt(moved));
        }
      }
      if (shift >= 1e-4) centre = mean;
    }
    EXPECT_EQ(result.figures.at("iterations_run"), static_cast<double>(run));
    EXPECT_EQ(result.arrays.at("labels").as<int32_t>("labels"), labels);
    EXPECT_EQ(result.arrays.at("sizes").as<int32_t>("sizes"), sizes);
    const auto& found = result.arrays.at("centroids").as<float>("centroids");
    for (size_t c = 0; c < found.size(); ++c) EXPECT_NEAR(found[c], centre[c], 1e-5);
    if (iterations == 1) {
      EXPECT_GT(result.figures.at("labels_changed_by_reassignment"), 0);
    }
    if (iterations == 100) {
      EXPECT_EQ(result.figures.at("labels_changed_by_reassignment"), 0);
    }
  }
}

TEST(Svg2KMeans, RefusesWhatDoesNotFit) {
  const Procedure& procedure = *find_procedure("svg2_kmeans");
  Params params(procedure.params());
  Inputs in;
  EXPECT_THROW(procedure.run(in, params), InputError);
  in.extra["x"] = random_array({9, 2, 4}, 1);
  in.extra["centroids_init"] = random_array({2, 3, 5}, 2);
  EXPECT_THROW(procedure.run(in, params), InputError);
  in.extra["centroids_init"] = random_array({2, 3, 4}, 2);
  params.set("num_centroids", "4");
  EXPECT_THROW(procedure.run(in, params), InputError);
}

}  // namespace
}  // namespace vidattn::svg2_test
