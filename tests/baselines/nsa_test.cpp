#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/gradients.h"
#include "tests/support/inputs.h"

namespace vidattn::nsa_test {
namespace {

struct Setting {
  int64_t length, heads, kv_heads, block, count, window;
  bool causal;
};

Inputs grouped(const Setting& s) {
  Inputs in;
  in.q = random_tensor(s.length, s.heads, 8, 3);
  in.k = random_tensor(s.length, s.kv_heads, 8, 4, 2);
  in.v = random_tensor(s.length, s.kv_heads, 8, 5);
  return in;
}

Params params_of(const Setting& s) {
  Params params = find_backend("nsa").defaults();
  params.set("causal", s.causal ? "true" : "false");
  params.set("block_size", std::to_string(s.block));
  params.set("block_count", std::to_string(s.count));
  params.set("window", std::to_string(s.window));
  return params;
}

/// NSA straight from its definition, float64, one query at a time.
struct Slow {
  const Inputs& in;
  const Setting& s;
  int64_t blocks = (s.length + s.block - 1) / s.block;

  double mean(const Tensor& tensor, int64_t block, int64_t head, int64_t c) const {
    const int64_t end = std::min(s.length, (block + 1) * s.block);
    double sum = 0;
    for (int64_t j = block * s.block; j < end; ++j) sum += tensor.at(j, head, c);
    return sum / static_cast<double>(end - block * s.block);
  }
  /// Softmax over the visible blocks, 0 for the others.
  std::vector<double> probabilities(int64_t i, int64_t h) const {
    std::vector<double> p(blocks);
    double sum = 0;
    for (int64_t b = 0; b < blocks; ++b) {
      if (s.causal && (b + 1) * s.block - 1 > i) continue;
      double dot = 0;
      for (int64_t c = 0; c < 8; ++c) dot += in.q->at(i, h, c) * mean(*in.k, b, in.kv_head(h), c);
      sum += p[b] = std::exp(dot / std::sqrt(8.0));
    }
    for (double& x : p) x /= sum > 0 ? sum : 1;
    return p;
  }
  std::vector<bool> selected(int64_t i, int64_t kv_head) const {
    std::vector<double> importance(blocks);
    for (int64_t h = 0; h < s.heads; ++h)
      if (in.kv_head(h) == kv_head)
        for (int64_t b = 0; b < blocks; ++b) importance[b] += probabilities(i, h)[b];
    const int64_t own = i / s.block;
    std::vector<bool> keep(blocks);
    keep[own] = true;
    for (int64_t left = std::min(s.count, blocks) - 1; left > 0; --left) {
      int64_t best = -1;
      for (int64_t b = 0; b < (s.causal ? own : blocks); ++b)
        if (!keep[b] && (best < 0 || importance[b] > importance[best])) best = b;
      if (best >= 0) keep[best] = true;
    }
    return keep;
  }
};

void compare(const Setting& s) {
  const Inputs in = grouped(s);
  const Plan plan = find_backend("nsa").plan(in, params_of(s));
  plan.validate(in);
  const Slow slow{in, s};
  Plan compressed;
  compressed.branches.push_back(plan.branches[2]);
  compressed.branches[0].weight = 1;
  const auto o_cmp = reference_rows(compressed, in, {}).o;
  for (int64_t h = 0; h < s.heads; ++h)
    for (int64_t i = 0; i < s.length; ++i) {
      std::vector<int64_t> in_blocks, in_window;
      const auto keep = slow.selected(i, in.kv_head(h));
      for (int64_t j = 0; j < s.length; ++j) {
        if (s.causal && j > i) continue;
        if (keep[j / s.block]) in_blocks.push_back(j);
        if (std::abs(i - j) < s.window) in_window.push_back(j);
      }
      ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), in_blocks) << "token " << i;
      ASSERT_EQ(visible_keys(plan.branches[1], in, i, h), in_window) << "token " << i;
      double expected = 0;
      const auto p = slow.probabilities(i, h);
      for (int64_t b = 0; b < slow.blocks; ++b)
        expected += p[b] * slow.mean(*in.v, b, in.kv_head(h), 3);
      EXPECT_NEAR(o_cmp[in.q->offset(i, h) + 3], expected, 1e-5) << "token " << i;
    }
}

TEST(Nsa, SeesExactlyWhatItsDefinitionSays) {
  for (const bool causal : {false, true}) {
    compare({1, 1, 1, 64, 16, 512, causal});
    compare({70, 4, 2, 8, 3, 5, causal});  // short last block, two query heads per key head
    compare({64, 3, 1, 16, 2, 1, causal});
    compare({37, 2, 2, 1, 4, 100, causal});
    compare({20, 1, 1, 32, 2, 7, causal});  // one block
  }
}

TEST(Nsa, ManyQueriesAreSelectedInPartsThatFitTogether) {
  // More than are selected at a time, and cut inside a block.
  const Setting s{4200, 1, 1, 60, 3, 5, true};
  const Inputs in = grouped(s);
  const Plan plan = find_backend("nsa").plan(in, params_of(s));
  plan.validate(in);
  const Slow slow{in, s};
  for (const int64_t i : {0, 59, 60, 2039, 2040, 2047, 2048, 2099, 2100, 4095, 4096, 4199}) {
    std::vector<int64_t> expected;
    const auto keep = slow.selected(i, 0);
    for (int64_t j = 0; j <= i; ++j)
      if (keep[j / s.block]) expected.push_back(j);
    EXPECT_EQ(visible_keys(plan.branches[0], in, i, 0), expected) << "token " << i;
  }
}

TEST(Nsa, GatesWeighTheBranchesPerTokenAndHead) {
  Inputs in = grouped({40, 2, 1, 8, 2, 5, false});
  const Backend& nsa = find_backend("nsa");
  Params params = params_of({40, 2, 1, 8, 2, 5, false});
  params.set("gate", "0.25");
  const auto gate = random_array({40, 2}, 6);
  in.extra["g_slc"] = gate;
  in.explain = true;
  in.device = &find_device("reference");
  const Plan plan = nsa.plan(in, params);
  plan.validate(in);
  const auto o = reference_rows(plan, in, {}).o;
  const auto part = [&](const char* name, size_t at) {
    return plan.explained.at(name).as<float>(name)[at];
  };
  for (size_t at = 0; at < o.size(); ++at)
    EXPECT_NEAR(o[at],
                0.25 * (part("o_cmp", at) + part("o_swa", at)) +
                    gate->as<float>("gate")[at / 8] * part("o_slc", at),
                1e-5);
}

/// Given gates have gradients, which are differences of the output; it is linear in the gates.
TEST(Nsa, GatesThatAreGivenHaveGradients) {
  const OneThread one_thread;
  const Setting setting{21, 2, 1, 4, 2, 3, false};
  Inputs in = grouped(setting);
  const Backend& nsa = find_backend("nsa");
  const Params params = params_of(setting);
  in.extra["g_cmp"] = random_array({21, 2}, 6);
  in.extra["g_swa"] = random_array({21, 2}, 7);
  const auto d_o = random_tensor(21, 2, 8, 8);
  const auto loss = [&](const Inputs& moved) {
    const auto o = reference_rows(nsa.plan(moved, params), moved, {}).o;
    return std::inner_product(o.begin(), o.end(), d_o->data<float>(), 0.0);
  };
  const Plan plan = nsa.plan(in, params);
  for (const char* device : {"reference", "cpu"}) {
    const auto found =
        nsa.input_gradients(in, params, plan, gradients_on(find_device(device), plan, in, *d_o));
    ASSERT_EQ(found.size(), 2U) << "not of g_slc, which is not given";
    for (const char* name : {"g_cmp", "g_swa"}) {
      const Array& got = found.at(name);
      ASSERT_EQ(got.shape, in.extra[name]->shape);
      std::vector<double> differences;
      for (int64_t at = 0; at < got.size(); ++at) {
        Inputs more = in, less = in;
        for (const auto& [moved, step] : {std::pair{&more, 0.5F}, {&less, -0.5F}}) {
          Array gate = *in.extra[name];
          std::get<std::vector<float>>(gate.values)[at] += step;
          moved->extra[name] = std::make_shared<const Array>(std::move(gate));
        }
        differences.push_back(loss(more) - loss(less));
      }
      EXPECT_LE(gradient_error(got.as<float>(name), differences), 1e-5) << device << " " << name;
    }
  }
}

TEST(Nsa, DensityRisesWithTheNumberOfBlocks) {
  const Backend& nsa = find_backend("nsa");
  const Inputs in = random_inputs(500, 1, 8);
  Params params = nsa.defaults();
  params.set("block_size", "16");
  int64_t before = 0;
  for (const char* count : {"2", "5", "16", "31", "1048576"}) {
    params.set(nsa.info().knob.param, count);
    const int64_t pairs = nsa.plan(in, params).branches[0].pairs(0, 1);
    EXPECT_GE(pairs, before);
    before = pairs;
  }
  EXPECT_EQ(before, 500 * 500);
}

TEST(Nsa, RefusesWhatDoesNotFit) {
  const Backend& nsa = find_backend("nsa");
  Inputs in = random_inputs(20, 2, 8);
  for (const char* param : {"q_heads", "kv_heads"}) {
    Params params = nsa.defaults();
    params.set(param, "3");
    EXPECT_THROW(nsa.plan(in, params), InputError) << param;
  }
  in.extra["g_cmp"] = random_array({20}, 1);
  EXPECT_THROW(nsa.plan(in, nsa.defaults()), InputError);
}

}  // namespace
}  // namespace vidattn::nsa_test
