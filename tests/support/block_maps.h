#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/inputs.h"
#include "attention/plan.h"
#include "attention/reference.h"

/// Means, dot products and selections of blocks in float64 and plain loops, to hold planners
/// against.
namespace vidattn {

using Rows = std::vector<std::vector<double>>;

/// Mean over the tokens of every block, [blocks][dim]; labels of -1 are in none.
template <class Label>
Rows slow_means(const Tensor& tensor, int64_t head, const std::vector<Label>& label) {
  const Label blocks = *std::max_element(label.begin(), label.end()) + 1;
  Rows means(blocks, std::vector<double>(tensor.dim()));
  std::vector<double> size(blocks);
  for (const Label b : label)
    if (b >= 0) ++size[b];
  for (size_t i = 0; i < label.size(); ++i)
    for (int64_t c = 0; c < tensor.dim() && label[i] >= 0; ++c)
      means[label[i]][c] += double{tensor.at(static_cast<int64_t>(i), head, c)} / size[label[i]];
  return means;
}

inline double slow_dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t c = 0; c < a.size(); ++c) sum += a[c] * b[c];
  return sum;
}

/// Scaled scores of a query and all keys.
inline std::vector<double> slow_scores(const Inputs& in, int64_t query, int64_t head) {
  std::vector<double> scores(in.keys());
  for (int64_t j = 0; j < in.keys(); ++j)
    for (int64_t c = 0; c < in.dim(); ++c)
      scores[j] +=
          double{in.q->at(query, head, c)} * in.k->at(j, in.kv_head(head), c) * in.softmax_scale();
  return scores;
}

inline std::vector<double> slow_softmax(std::vector<double> scores) {
  const double highest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& s : scores) sum += s = std::exp(s - highest);
  for (double& s : scores) s /= sum;
  return scores;
}

/// How many values come before value i: larger ones, and equal ones of lower index.
inline int64_t rank_of(const std::vector<double>& values, size_t i) {
  int64_t before = 0;
  for (size_t j = 0; j < values.size(); ++j)
    before += values[j] > values[i] || (values[j] == values[i] && j < i);
  return before;
}

/// Consecutive runs.
inline std::vector<int32_t> slow_runs(int64_t length, int64_t size) {
  std::vector<int32_t> label(length);
  for (int64_t i = 0; i < length; ++i) label[i] = static_cast<int32_t>(i / size);
  return label;
}

/// Every token of a head sees exactly the tokens of the blocks that its own block keeps.
inline void expect_blocks(const Plan& plan, const Inputs& in, int64_t head,
                          const std::vector<int32_t>& label,
                          const std::function<bool(int32_t, int32_t)>& keeps) {
  for (int64_t i = 0; i < in.length(); ++i) {
    std::vector<int64_t> expected;
    for (int64_t j = 0; j < in.length(); ++j)
      if (keeps(label[i], label[j])) expected.push_back(j);
    std::vector<int64_t> seen = visible_keys(plan.branches[0], in, i, head);
    std::sort(seen.begin(), seen.end());
    ASSERT_EQ(seen, expected) << "head " << head << ", token " << i;
  }
}

/// What a device gives for a plan.
inline Output run_on(const char* device, const Plan& plan, const Inputs& in) {
  Output out;
  find_device(device).run(plan, in, out);
  return out;
}

/// Plans with the settings; the plan is valid.
inline Plan planned(const Backend& backend, const Inputs& in, const Settings& settings) {
  Params params = backend.defaults();
  for (const auto& [name, text] : settings) params.set(name, text);
  Plan plan = backend.plan(in, params);
  plan.validate(in);
  return plan;
}

/// That `settings` are refused in words that hold `said`.
inline void expect_refused(const Backend& backend, const Inputs& in, const Settings& settings,
                           const std::string& said) {
  try {
    planned(backend, in, settings);
    ADD_FAILURE() << backend.name() << " plans what it must refuse: " << said;
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(said), std::string::npos) << error.what();
  }
}

inline int64_t pairs_of(const Plan& plan, const Inputs& in) {
  int64_t pairs = 0;
  for (int64_t h = 0; h < in.heads(); ++h) pairs += plan.branches[0].pairs(h, in.heads());
  return pairs;
}

/// The first knob's density never falls on its way, and its dense end sees every pair.
inline void expect_monotone_knob(const Backend& backend, const Inputs& in,
                                 const Settings& settings = {}) {
  const DensityKnob& knob = backend.info().knob;
  int64_t before = 0;
  for (int step = 0; step <= 16; ++step) {
    Settings with = settings;
    with.emplace_back(knob.param,
                      std::to_string(knob.sparse + (knob.dense - knob.sparse) * step / 16));
    const int64_t pairs = pairs_of(planned(backend, in, with), in);
    EXPECT_GE(pairs, before) << backend.name() << " " << with.back().second;
    before = pairs;
  }
  EXPECT_EQ(before, in.length() * in.keys() * in.heads()) << backend.name();
}

}  // namespace vidattn
