#include "metrics/plan/check/equality.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attention/device.h"
#include "metrics/plan/fidelity.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// One channel in which all queries and keys are as large as `activation`.
Inputs with_massive_activation(float activation, int64_t length = 200, int64_t dim = 64) {
  Inputs in = random_inputs(length, 1, dim);
  for (auto* operand : {&in.q, &in.k}) {
    auto massive = std::make_shared<Tensor>(length, 1, dim);
    for (int64_t t = 0; t < length; ++t) {
      float* row = &massive->data<float>()[massive->offset(t, 0)];
      (*operand)->read_row(t, 0, row);
      row[0] = activation * (t % 2 == 0 ? 1.0F : -1.0F);
    }
    *operand = massive;
  }
  return in;
}

std::vector<int64_t> all_tokens(const Inputs& in) {
  return sample_tokens(in.length(), in.length());
}

TEST(Equality, OrdinaryScoresAreHeldToTheStorageTypesLimit) {
  const Inputs in = random_inputs(100, 2, 64);
  EXPECT_EQ(allowed_error(in, all_tokens(in)), equality_limit(DType::f32));
}

TEST(Equality, HugeScoresAreHeldToFloat32sSteps) {
  const Inputs in = with_massive_activation(1000);  // scores of 1e6 / 8, as powers of two 1.8e5
  EXPECT_NEAR(allowed_error(in, all_tokens(in)), 3 * 0x1p-23 * 1.25e5 / std::log(2), 1e-4);
}

TEST(Equality, MassiveActivationsAreMeasuredOnEveryInstructionSet) {
  for (const float activation : {30.0F, 300.0F, 1000.0F, 3000.0F}) {
    const Inputs in = with_massive_activation(activation);
    const Plan plan = full_attention_rows(all_tokens(in), in.length());
    for (const char* device : {"cpu", "reference"}) {
      Output out;
      find_device(device).run(plan, in, out);
      const EqualityCheck check = check_equality(plan, in, out);
      EXPECT_TRUE(check.passed()) << activation << " on " << device << ": " << check.reason;
    }
  }
}

TEST(Equality, AWrongOutputStillFailsBesideHugeScores) {
  const Inputs in = with_massive_activation(1000);
  const Plan plan = full_attention_rows(all_tokens(in), in.length());
  Output out;
  find_device("cpu").run(plan, in, out);
  for (int64_t t = 0; t < in.length(); t += 10)
    for (int64_t c = 0; c < in.dim(); ++c) out.o.data<float>()[out.o.offset(t, 0) + c] *= 2;
  EXPECT_FALSE(check_equality(plan, in, out).passed());
}

}  // namespace
}  // namespace vidattn
