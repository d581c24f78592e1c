#include <gtest/gtest.h>

#include <cmath>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "tests/support/block_maps.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn::skip_softmax_test {
namespace {

Plan skip(const Inputs& in, const Settings& settings) {
  return planned(find_backend("skip_softmax"), in, settings);
}

TEST(SkipSoftmax, LambdaZeroIsFullAttention) {
  const Backend& full = find_backend("full");
  for (const int64_t length : {1, 15, 17, 75}) {
    const Inputs in = random_inputs(length, 2, 16);
    Output got, want;
    find_device("cpu").run(skip(in, {{"tile_q", "8"}, {"tile_k", "16"}, {"lambda", "0"}}), in, got);
    find_device("cpu").run(full.plan(in, full.defaults()), in, want);
    EXPECT_LT(relative_l2(got.o, want.o), 1e-6);
  }
}

/// Three tiles of one query: scores 0, -4 and -1.
TEST(SkipSoftmax, SkipsTilesBelowTheRunningMaximumAndNeverTheFirst) {
  Inputs in = random_inputs(1, 1, 16);
  Tensor q(1, 1, 16), k(6, 1, 16);
  q.row(0, 0)[0] = 4;  // scale 1/4
  const float score[] = {-1, 0, -4, -5, -1, -9};
  for (int64_t j = 0; j < 6; ++j) k.row(j, 0)[0] = score[j];
  in.q = std::make_shared<const Tensor>(std::move(q));
  in.k = std::make_shared<const Tensor>(std::move(k));
  in.v = random_tensor(6, 1, 16, 3);
  const auto keys = [&](const char* lambda) {
    return skip(in, {{"tile_q", "4"}, {"tile_k", "2"}, {"lambda", lambda}}).branches[0].pairs(0, 1);
  };
  EXPECT_EQ(keys("0.5"), 2);    // ln = -0.69: below are -4 and -1
  EXPECT_EQ(keys("0.2"), 4);    // ln = -1.6
  EXPECT_EQ(keys("0.001"), 6);  // ln = -6.9
  EXPECT_EQ(keys("10"), 2);     // above 1 even the maximum itself is skipped, but the first
}

TEST(SkipSoftmax, RefusesALambdaThatContradictsItsCalibration) {
  const Inputs in = random_inputs(64, 1, 16);
  EXPECT_THROW(skip(in, {{"a", "2"}, {"b", "4"}, {"target", "0.5"}, {"lambda", "0.1"}}),
               InputError);
  EXPECT_NO_THROW(skip(in, {{"a", "2"}, {"b", "4"}, {"target", "0.5"}}));
  EXPECT_THROW(skip(in, {{"a", "1"}, {"b", "800"}, {"target", "1"}}), InputError) << "infinite";
  EXPECT_THROW(skip(in, {{"target", "0.5"}}), InputError);  // without a it would do nothing
}

}  // namespace
}  // namespace vidattn::skip_softmax_test
