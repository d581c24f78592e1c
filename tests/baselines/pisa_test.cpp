#include <gtest/gtest.h>

#include <cmath>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "tests/support/block_maps.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn::pisa_test {
namespace {

Plan pisa(const Inputs& in, const Settings& settings) {
  return planned(find_backend("pisa"), in, settings);
}

TEST(Pisa, EverythingExactIsFullAttention) {
  const Backend& full = find_backend("full");
  for (const int64_t length : {1, 15, 17, 75}) {
    const Inputs in = random_inputs(length, 2, 16);
    const Plan plan = pisa(in, {{"block", "16"}, {"density", "1"}});
    const Output want = run_on("cpu", full.plan(in, full.defaults()), in);
    EXPECT_LT(relative_l2(run_on("cpu", plan, in).o, want.o), 1e-6);
  }
}

/// Two blocks, of which each query sees one exactly and the other by its expansion.
TEST(Pisa, OneExpandedBlockIsItsClosedForm) {
  const int64_t n = 6, dim = 8;  // tokens of a block
  const double scale = 1 / std::sqrt(8.0);
  const Inputs in = random_inputs(2 * n, 1, dim);
  Inputs explained = in;
  explained.explain = true;
  const Plan plan = pisa(explained, {{"block", "6"}, {"topk", "1"}});
  const auto& map = plan.explained.at("block_map").as<uint8_t>("block_map");
  const Output out = run_on("cpu", plan, in);
  double mean_k[2][dim] = {}, mean_v[2][dim] = {}, h[dim][dim] = {};
  for (int64_t j = 0; j < 2 * n; ++j)
    for (int64_t c = 0; c < dim; ++c) {
      mean_k[j / n][c] += in.k->at(j, 0, c) / double(n);
      mean_v[j / n][c] += in.v->at(j, 0, c) / double(n);
    }
  for (int64_t j = 0; j < 2 * n; ++j)
    for (int64_t d = 0; d < dim; ++d)
      for (int64_t c = 0; c < dim; ++c)
        h[d][c] += (in.k->at(j, 0, d) - mean_k[j / n][d]) * in.v->at(j, 0, c) / double(2 * n);
  for (int64_t i = 0; i < 2 * n; ++i) {
    const int64_t exact = map[i / n * 2] ? 0 : 1, other = 1 - exact;
    double sum = 0, o = 0, dot = 0, slope = 0;
    for (int64_t j = exact * n; j < (exact + 1) * n; ++j) {
      double s = 0;
      for (int64_t c = 0; c < dim; ++c) s += double{in.q->at(i, 0, c)} * in.k->at(j, 0, c);
      sum += std::exp(s * scale);
      o += std::exp(s * scale) * in.v->at(j, 0, 3);
    }
    for (int64_t c = 0; c < dim; ++c) {
      dot += in.q->at(i, 0, c) * mean_k[other][c];
      slope += in.q->at(i, 0, c) * h[c][3] * scale;
    }
    const double weight = n * std::exp(dot * scale);
    EXPECT_NEAR(out.o.at(i, 0, 3), (o + weight * (mean_v[other][3] + slope)) / (sum + weight),
                1e-5);
  }
}

TEST(Pisa, DevicesAgreeOnEveryRouteAndOrder) {
  Inputs in = random_inputs(83, 4, 16);
  in.k = random_tensor(83, 2, 16, 21);
  in.v = random_tensor(83, 2, 16, 22);
  for (const char* route : {"score", "hnorm", "taylor"})
    for (const char* order : {"0", "1"}) {
      const Plan plan =
          pisa(in, {{"block", "8"}, {"density", "0.3"}, {"route", route}, {"order", order}});
      EXPECT_LT(relative_l2(run_on("cpu", plan, in).o, run_on("reference", plan, in).o), 2e-6);
    }
}

TEST(Pisa, RefusesTwoCountsThatContradict) {
  const Inputs in = random_inputs(64, 1, 16);
  EXPECT_THROW(pisa(in, {{"block", "16"}, {"density", "0.5"}, {"topk", "3"}}), InputError);
}

}  // namespace
}  // namespace vidattn::pisa_test
