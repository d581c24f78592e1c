#include "metrics/plan/check/gradients.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attention/backend.h"
#include "attention/backward/magnitudes.h"
#include "attention/error.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// The CPU, whose gradient of one key is off by `error`.
class WrongGradients : public Device {
 public:
  explicit WrongGradients(float error) : error_(error) {}
  std::string name() const override { return "wrong"; }
  std::string title() const override { return "spoils a key's gradient"; }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    find_device("cpu").run(plan, in, out);
  }
  bool has_backward() const override { return true; }
  void backward(const Plan& plan, const Inputs& in, const Output& kept, const Tensor& d_o,
                Gradients& out) const override {
    find_device("cpu").backward(plan, in, kept, d_o, out);
    out.k.data<float>()[in.keys() / 2 * out.k.dim()] += error_;
  }

 private:
  float error_;
};

EqualityCheck check_on(const Device& device, const char* backend, const Inputs& in,
                       const std::vector<int64_t>& among = {}) {
  const Plan plan = find_backend(backend).plan(in, find_backend(backend).defaults());
  Output out;
  out.keep = true;
  device.run(plan, in, out);
  return check_gradients(device, plan, in, out, sample_output_gradient(in), among);
}

TEST(GradientCheck, PassesOnAwkwardShapesInEveryType) {
  for (const int64_t frames : {1, 3})
    for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
      Inputs in = random_video(frames, 3, 5, 2, 16);
      for (auto* operand : {&in.q, &in.k, &in.v})
        *operand = std::make_shared<const Tensor>((*operand)->to(dtype));
      for (const char* backend : {"full", "stga", "vsa", "bigbird"}) {
        const EqualityCheck check = check_on(find_device("cpu"), backend, in);
        EXPECT_TRUE(check.passed()) << backend << " " << to_string(dtype) << check.reason;
        EXPECT_EQ(check.rows, in.length());
      }
    }
}

TEST(GradientCheck, ChecksSomeTokensOfALongCall) {
  const Inputs in = random_inputs(6000, 1, 64);
  const EqualityCheck check = check_on(find_device("cpu"), "full", in);
  EXPECT_TRUE(check.passed()) << check.reason;
  EXPECT_LT(check.rows, in.length());
  EXPECT_EQ(check_on(find_device("cpu"), "full", random_inputs(50, 1, 64), {3, 40}).rows, 2);
}

TEST(GradientCheck, FindsOneWrongValue) {
  for (const float error : {0.01F, NAN, INFINITY}) {
    const EqualityCheck check = check_on(WrongGradients(error), "full", random_inputs(40, 1, 16));
    EXPECT_FALSE(check.passed()) << error;
    EXPECT_NE(check.reason.find("gradients' relative L2 error"), std::string::npos) << check.reason;
  }
}

TEST(GradientCheck, OfOneKeyExpectsNothingOfTheScores) {
  EXPECT_TRUE(check_on(find_device("cpu"), "full", random_inputs(1, 2, 16)).passed());
}

/// What the gradients of these are refused with; empty = they are not.
std::string gradient_refusal(float q, float k, float v, float d_o) {
  const auto filled = [](float value) {
    Tensor tensor(3, 1, 2);
    std::fill_n(tensor.data<float>(), tensor.size(), value);
    return tensor;
  };
  Inputs in{.q = std::make_shared<const Tensor>(filled(q)),
            .k = std::make_shared<const Tensor>(filled(k)),
            .v = std::make_shared<const Tensor>(filled(v))};
  in.validate();
  try {
    require_representable_gradients(in, filled(d_o));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(GradientCheck, GradientsMustFitFloat32) {
  EXPECT_EQ(gradient_refusal(1, 1, 1e37F, 1), "");
  EXPECT_EQ(gradient_refusal(1, 1, 9e37F, 10),
            "head 0: products of v and the output's gradient can reach 1.8e+39, beyond float32's "
            "3.4e+38");
  const auto begins = [](const std::string& text, const char* part) {
    return text.rfind(std::string("head 0: ") + part, 0) == 0;
  };
  EXPECT_TRUE(begins(gradient_refusal(1, 1e20F, 1e20F, 1), "gradients of q"));
  EXPECT_TRUE(begins(gradient_refusal(1e20F, 1, 1e20F, 1), "gradients of k"));
  EXPECT_TRUE(begins(gradient_refusal(1, 1, 1e-20F, 2e38F), "gradients of v"));
}

TEST(GradientCheck, RefusesWhatHasNoGradients) {
  const Inputs in = random_inputs(8, 1, 4);
  Plan plan = find_backend("full").plan(in, find_backend("full").defaults());
  plan.constant = in.v;
  plan.constant_of_call = true;
  Output out;
  out.keep = true;
  find_device("cpu").run(plan, in, out);
  EXPECT_THROW(check_gradients(find_device("cpu"), plan, in, out, sample_output_gradient(in)),
               InputError);
}

}  // namespace
}  // namespace vidattn
