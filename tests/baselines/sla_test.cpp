#include <gtest/gtest.h>

#include <cmath>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "tests/support/block_maps.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn::sla_test {
namespace {

Plan sla(const Inputs& in, const Settings& settings) {
  return planned(find_backend("sla"), in, settings);
}

TEST(Sla, AllBlocksWithoutProjectionIsFullAttention) {
  const Backend& full = find_backend("full");
  for (const int64_t length : {1, 15, 17, 75}) {
    const Inputs in = random_inputs(length, 2, 16);
    const Plan plan = sla(in, {{"block_q", "16"}, {"block_k", "8"}, {"topk_ratio", "1"}});
    const Output want = run_on("cpu", full.plan(in, full.defaults()), in);
    EXPECT_LT(relative_l2(run_on("cpu", plan, in).o, want.o), 1e-6);
  }
}

/// A projection that keeps each channel adds the linear branch as it is.
TEST(Sla, LinearBranchIsTheWeightedMeanOfAllValues) {
  Inputs in = random_inputs(21, 1, 8);
  std::vector<float> identity(64);
  for (int c = 0; c < 8; ++c) identity[c * 9] = 1;
  const Plan without = sla(in, {{"feature_map", "elu"}});
  in.extra["proj_weight"] = std::make_shared<const Array>(Array{{8, 8}, identity});
  const Plan with = sla(in, {{"feature_map", "elu"}});
  const Output a = run_on("cpu", with, in), b = run_on("cpu", without, in);
  const auto phi = [](float x) { return x > 0 ? x + 1.0 : std::exp(double{x}); };
  for (int64_t i = 0; i < 21; ++i) {
    double sum = 1e-5, o = 0;
    for (int64_t j = 0; j < 21; ++j) {
      double dot = 0;
      for (int64_t c = 0; c < 8; ++c) dot += phi(in.q->at(i, 0, c)) * phi(in.k->at(j, 0, c));
      sum += dot;
      o += dot * in.v->at(j, 0, 2);
    }
    EXPECT_NEAR(a.o.at(i, 0, 2) - b.o.at(i, 0, 2), o / sum, 1e-5);
  }
}

TEST(Sla, DevicesAgreeInEveryTypeWithSharedKeyHeads) {
  Inputs in = random_inputs(70, 4, 32);
  in.k = random_tensor(70, 2, 32, 5);
  in.v = random_tensor(70, 2, 32, 6);
  in.extra["proj_weight"] =
      std::make_shared<const Array>(Array{{32, 32}, std::vector<float>(1024, 0.1F)});
  in.extra["proj_bias"] = std::make_shared<const Array>(Array{{32}, std::vector<float>(32, 0.5F)});
  const Plan plan = sla(in, {{"block_q", "16"}, {"block_k", "8"}});
  for (const DType dtype : {DType::f32, DType::bf16}) {
    Inputs stored = in;
    for (auto* tensor : {&stored.q, &stored.k, &stored.v})
      *tensor = std::make_shared<const Tensor>((*tensor)->to(dtype));
    EXPECT_LT(relative_l2(run_on("cpu", plan, stored).o, run_on("reference", plan, stored).o),
              dtype == DType::f32 ? 2e-6 : 6e-3);
  }
}

TEST(Sla, RefusesAProjectionOfAnotherSize) {
  Inputs in = random_inputs(20, 1, 16);
  in.extra["proj_weight"] = std::make_shared<const Array>(Array{{8, 8}, std::vector<float>(64)});
  EXPECT_THROW(sla(in, {}), InputError);
}

}  // namespace
}  // namespace vidattn::sla_test
