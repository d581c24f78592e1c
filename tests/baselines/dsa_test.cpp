#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::dsa_test {
namespace {

Inputs with_index(int64_t length, int64_t index_heads, int64_t index_dim) {
  Inputs in = random_inputs(length, 2, 8);
  in.extra["q_index"] = random_array({length, index_heads, index_dim}, 21);
  in.extra["k_index"] = random_array({length, index_dim}, 22);
  in.extra["index_weight"] = random_array({length, index_heads}, 23);
  return in;
}

Params params_of(int64_t topk, bool causal) {
  Params params = find_backend("dsa").defaults();
  params.set("topk", std::to_string(topk));
  params.set("causal", causal ? "true" : "false");
  return params;
}

/// The topk tokens of largest `score(query, key)`, by a sort of all of them.
template <class Score>
std::vector<int64_t> largest(int64_t query, int64_t length, int64_t topk, bool causal,
                             Score&& score) {
  std::vector<int64_t> keys(causal ? query + 1 : length);
  std::iota(keys.begin(), keys.end(), 0);
  std::stable_sort(keys.begin(), keys.end(),
                   [&](int64_t a, int64_t b) { return score(query, a) > score(query, b); });
  keys.resize(std::min<size_t>(keys.size(), topk));
  std::sort(keys.begin(), keys.end());
  return keys;
}

TEST(Dsa, KeepsTheLargestIndexScores) {
  const Backend& dsa = find_backend("dsa");
  for (const auto& [length, topk] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {65, 1}, {300, 40}, {300, 250}, {70, 999}})
    for (bool causal : {false, true}) {
      const Inputs in = with_index(length, 3, 5);
      const auto& q = in.find("q_index")->as<float>("q");
      const auto& k = in.find("k_index")->as<float>("k");
      const auto& w = in.find("index_weight")->as<float>("w");
      const auto score = [&](int64_t t, int64_t s) {
        double sum = 0;
        for (int j = 0; j < 3; ++j) {
          double dot = 0;
          for (int c = 0; c < 5; ++c) dot += double{q[(t * 3 + j) * 5 + c]} * k[s * 5 + c];
          sum += w[t * 3 + j] * std::max(dot, 0.0);
        }
        return sum;
      };
      const Plan plan = dsa.plan(in, params_of(topk, causal));
      plan.validate(in);
      for (int64_t i = 0; i < length; ++i)
        ASSERT_EQ(visible_keys(plan.branches[0], in, i, 1), largest(i, length, topk, causal, score))
            << "length " << length << " topk " << topk << " token " << i;
    }
}

/// Whole numbers, so that float32 has every score exactly, and many are equal. Every fifth key (the
/// step of the sample) has the sign of `sampled`.
Inputs whole_index(int64_t length, float sampled) {
  Inputs in = with_index(length, 2, 3);
  for (const char* name : {"q_index", "k_index", "index_weight"}) {
    Array array = *in.find(name);
    std::vector<float> values = array.as<float>(name);
    for (float& x : values) x = std::round(4 * x);
    if (name[0] == 'k')
      for (int64_t i = 0; i < std::ssize(values); ++i)
        values[i] = std::copysign(values[i] + 1, i / 3 % 5 == 0 ? sampled : -sampled);
    if (name[0] != 'k')
      for (float& x : values) x = std::abs(x);
    array.values = std::move(values);
    in.extra[name] = std::make_shared<const Array>(std::move(array));
  }
  return in;
}

// A sample of nothing but the best keys guesses floors that fewer than topk keys reach; of the
// worst, one that all do.
TEST(Dsa, SampledFloorsChangeNothing) {
  constexpr int64_t kLength = 4200, kTopk = 1500;
  for (const float sampled : {1.0F, -1.0F}) {
    const Inputs in = whole_index(kLength, sampled);
    const auto& q = in.find("q_index")->as<float>("q");
    const auto& k = in.find("k_index")->as<float>("k");
    const auto& w = in.find("index_weight")->as<float>("w");
    const auto score = [&](int64_t t, int64_t s) {
      float sum = 0;
      for (int j = 0; j < 2; ++j) {
        float dot = 0;
        for (int c = 0; c < 3; ++c) dot += q[(t * 2 + j) * 3 + c] * k[s * 3 + c];
        sum += w[t * 2 + j] * std::max(dot, 0.0F);
      }
      return sum;
    };
    for (const bool causal : {false, true}) {
      const Plan plan = find_backend("dsa").plan(in, params_of(kTopk, causal));
      for (int64_t i = 0; i < kLength; i += 97)
        ASSERT_EQ(visible_keys(plan.branches[0], in, i, 1),
                  largest(i, kLength, kTopk, causal, score))
            << "sampled " << sampled << " causal " << causal << " token " << i;
    }
  }
}

TEST(Dsa, TiesGoToTheLowestTokens) {
  Inputs in = with_index(20, 1, 2);
  in.extra["k_index"] = std::make_shared<const Array>(Array{{20, 2}, std::vector<float>(40)});
  const Plan plan = find_backend("dsa").plan(in, params_of(3, false));
  EXPECT_EQ(visible_keys(plan.branches[0], in, 19, 0), (std::vector<int64_t>{0, 1, 2}));
}

TEST(Dsa, AnOrthonormalProjectionOfFullWidthScoresTheSumOfTheHeads) {
  const Backend& dsa = find_backend("dsa");
  Inputs in = random_inputs(90, 4, 8);
  in.k = random_tensor(90, 2, 8, 31);
  in.v = random_tensor(90, 2, 8, 32);
  dsa.prepare(in, dsa.defaults());
  EXPECT_EQ(in.find("index_projection")->shape, (std::vector<int64_t>{16, 16}));
  const auto score = [&](int64_t t, int64_t s) {
    double sum = 0;
    for (int64_t h = 0; h < 4; ++h)
      for (int64_t c = 0; c < 8; ++c) sum += double{in.q->at(t, h, c)} * in.k->at(s, h / 2, c);
    return std::max(sum, 0.0);
  };
  const Plan plan = dsa.plan(in, params_of(12, false));
  for (int64_t i = 0; i < 90; ++i)
    ASSERT_EQ(visible_keys(plan.branches[0], in, i, 3), largest(i, 90, 12, false, score));
}

TEST(Dsa, TheMeanProjectionScoresTheMeansOfTheHeads) {
  const Backend& dsa = find_backend("dsa");
  Inputs in = random_inputs(50, 2, 8);
  Params params = params_of(7, true);
  params.set("projection", "mean");
  dsa.prepare(in, params);
  const auto score = [&](int64_t t, int64_t s) {
    double sum = 0;
    for (int64_t c = 0; c < 8; ++c)
      sum += (double{in.q->at(t, 0, c)} + in.q->at(t, 1, c)) *
             (double{in.k->at(s, 0, c)} + in.k->at(s, 1, c));
    return std::max(sum, 0.0);
  };
  const Plan plan = dsa.plan(in, params);
  for (int64_t i = 0; i < 50; ++i)
    ASSERT_EQ(visible_keys(plan.branches[0], in, i, 0), largest(i, 50, 7, true, score));
}

TEST(Dsa, ListsNoMoreThanFourBytesPerKeptTokenAndOneRangeForAll) {
  const Backend& dsa = find_backend("dsa");
  const Inputs in = with_index(600, 2, 4);
  const Plan sparse = dsa.plan(in, params_of(50, false));
  EXPECT_LE(sparse.index_bytes(), 600 * 50 * 4 + 600 * (16 + 16 + 4));
  EXPECT_EQ(sparse.branches[0].pairs(0, 2), 600 * 50);
  const Plan dense = dsa.plan(in, params_of(600, false));
  EXPECT_EQ(dense.branches[0].tables[0].segments.size(), 1U);
  EXPECT_EQ(dense.branches[0].pairs(0, 2), 600 * 600);
}

TEST(Dsa, RefusesAnIncompleteOrMisshapenIndex) {
  const Backend& dsa = find_backend("dsa");
  EXPECT_THROW(dsa.plan(random_inputs(9, 1, 8), dsa.defaults()), InputError);  // not prepared
  for (const char* name : {"k_index", "index_weight"}) {
    Inputs missing = with_index(9, 2, 4), misshapen = with_index(9, 2, 4);
    missing.extra.erase(name);
    EXPECT_THROW(dsa.plan(missing, dsa.defaults()), InputError) << name;
    misshapen.extra[name] = random_array({9, 3}, 1);
    EXPECT_THROW(dsa.plan(misshapen, dsa.defaults()), InputError) << name;
  }
  Inputs bytes = with_index(4, 1, 1);
  bytes.extra["k_index"] = std::make_shared<const Array>(Array{{4, 1}, std::vector<uint8_t>(4)});
  EXPECT_THROW(dsa.plan(bytes, dsa.defaults()), InputError);
}

}  // namespace
}  // namespace vidattn::dsa_test
