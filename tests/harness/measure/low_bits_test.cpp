#include <gtest/gtest.h>

#include "harness/measure/record/case_metrics.h"
#include "harness/measure/verify.h"
#include "harness/store/measurement_json.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// Checked cases of one method in every type, full attention first.
std::vector<Case> checked_in(const std::vector<DType>& dtypes) {
  const Inputs in = random_video(3, 8, 8, 2, 32);
  std::vector<Case> cases;
  for (const char* backend : {"full", "stga"})
    for (DType dtype : dtypes)
      cases.push_back(make_case(backend, "cpu", dtype, inputs_in(in, dtype)));
  std::vector<Dense> dense;
  for (Case& c : cases) {
    check_case(c, dense);
    EXPECT_EQ(c.result.reason, "");
  }
  add_metrics(cases, {});
  return cases;
}

TEST(LowBits, SelectionAndQuantisationStandApart) {
  const auto cases = checked_in({DType::int8, DType::fp8, DType::f32});
  const auto value = [&](size_t i, const char* tag) { return cases[i].result.metric(tag); };
  const size_t kFloat = 5;  // stga in f32
  EXPECT_EQ(value(2, "quantisation_error"), 0);
  EXPECT_EQ(value(kFloat, "quantisation_error"), 0);
  EXPECT_EQ(value(kFloat, "selection_error"), value(kFloat, "relative_l2"));
  for (const size_t i : {3, 4}) {  // the same plan, whatever the bits
    EXPECT_EQ(cases[i].result.plan.checksum, cases[kFloat].result.plan.checksum);
    EXPECT_NEAR(value(i, "selection_error"), value(kFloat, "selection_error"), 1e-5);
    EXPECT_NEAR(value(i, "recall_mean"), value(kFloat, "recall_mean"), 1e-5);
  }
  for (const size_t i : {0, 1}) {  // full attention selects everything
    EXPECT_LT(value(i, "selection_error"), 1e-5);
    EXPECT_NEAR(value(i, "relative_l2"), value(i, "quantisation_error"), 1e-5);
  }
  EXPECT_GT(value(0, "quantisation_error"), 1e-4);
  EXPECT_LT(value(0, "quantisation_error"), 2e-2);
  EXPECT_GT(value(1, "quantisation_error"), 2 * value(0, "quantisation_error"));
}

TEST(LowBits, TheRecordSaysWhatMultiplied) {
  const auto cases = checked_in({DType::fp8, DType::bf16});
  EXPECT_EQ(cases[0].result.plan.unit, kEmulated);
  EXPECT_EQ(emulation_notes({cases[0].result, cases[1].result, cases[0].result}),
            std::vector<std::string>{
                "fp8 is emulated in float32 on cpu: its times are not those of fp8"});
  EXPECT_EQ(to_json(cases[0].result)["details"]["low_bit_unit"], "emulated");
  EXPECT_FALSE(to_json(cases[1].result)["details"].contains("low_bit_unit"));
  EXPECT_TRUE(std::isnan(cases[1].result.metric("quantisation_error")));
}

}  // namespace
}  // namespace vidattn
