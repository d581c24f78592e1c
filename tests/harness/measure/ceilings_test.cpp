#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "harness/workloads/workload.h"

/// Whether the oracles are what they are called, on the film.
namespace vidattn {
namespace {

/// Of one head: keys per query, and the share of the full softmax on them, means over the tokens.
struct Kept {
  double keys = 0, mass = 0;
};

std::vector<double> probabilities(const Inputs& in, int64_t token, int64_t head) {
  std::vector<double> p(in.keys());
  for (int64_t j = 0; j < in.keys(); ++j)
    for (int64_t c = 0; c < in.dim(); ++c)
      p[j] +=
          double{in.q->at(token, head, c)} * in.k->at(j, in.kv_head(head), c) * in.softmax_scale();
  const double highest = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& x : p) sum += x = std::exp(x - highest);
  for (double& x : p) x /= sum;
  return p;
}

Kept kept_by(const Plan& plan, const Inputs& in, int64_t head) {
  Kept kept;
  for (int64_t i = 0; i < in.length(); ++i) {
    const std::vector<double> p = probabilities(in, i, head);
    std::vector<bool> seen(in.keys());
    for (const Branch& branch : plan.branches)
      if (!branch.prepared.k)
        for (const int64_t j : visible_keys(branch, in, i, head)) seen[j] = true;
    for (int64_t j = 0; j < in.keys(); ++j) {
      kept.keys += seen[j] ? 1 : 0;
      kept.mass += seen[j] ? p[j] : 0;
    }
  }
  const auto tokens = static_cast<double>(in.length());
  return {kept.keys / tokens, kept.mass / tokens};
}

Plan oracle_plan(const Inputs& in, int64_t keys) {
  const Backend& oracle = find_backend("oracle_token");
  Params params = oracle.defaults();
  params.set("k", std::to_string(keys));
  return oracle.plan(in, params);
}

TEST(Ceilings, NoMethodHasMoreMassThanTheTokenOracleWithAsManyKeys) {
  WorkloadRequest request;
  request.frames = 3;
  request.height = 6;
  request.width = 8;
  request.dim = 32;
  Inputs in = make_workload(request).inputs;
  in.device = &find_device("cpu");
  int taken = 0;
  for (const Backend* backend : backends()) {
    Inputs own = in;
    Plan plan;
    try {
      backend->prepare(own, backend->defaults());
      plan = backend->plan(own, backend->defaults());
    } catch (const InputError&) {
      continue;  // wants other inputs
    }
    ++taken;
    for (int64_t h = 0; h < in.heads(); ++h) {
      const Kept method = kept_by(plan, own, h);
      const auto keys = static_cast<int64_t>(std::ceil(method.keys - 1e-9));
      if (keys == 0) continue;
      const Kept best = kept_by(oracle_plan(in, keys), in, h);
      EXPECT_GE(best.mass, method.mass - 1e-6) << backend->name() << ", head " << h;
    }
  }
  EXPECT_GE(taken, 20);
}

}  // namespace
}  // namespace vidattn
