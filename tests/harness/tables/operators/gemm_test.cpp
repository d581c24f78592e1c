#include "harness/tables/operators/gemm.h"

#include <gtest/gtest.h>

#include "harness/tables/models.h"

namespace vidattn {
namespace {

TEST(Gemm, RatesArePositiveAndChecked) {
  DitModel model = find_model("wan2.1-1.3b");
  model.dim = 96;
  model.heads = 1;
  model.ffn_dim = 200;
  const auto rates = measure_gemms(model, 64, 2);
  ASSERT_EQ(rates.size(), 3U);
  for (const GemmRate& rate : rates) EXPECT_GT(rate.gflops, 0);
  EXPECT_GT(mean_rate(rates, model), 0);
}

}  // namespace
}  // namespace vidattn
