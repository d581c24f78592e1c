#include "attention/inputs.h"

#include <gtest/gtest.h>

#include <string>

#include "attention/error.h"

namespace vidattn {
namespace {

std::shared_ptr<const Tensor> filled(int64_t heads, float value, DType dtype = DType::f32) {
  constexpr int64_t kLength = 4, kDim = 2;
  Tensor tensor(kLength, heads, kDim);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.data<float>()[i] = value;
  return std::make_shared<const Tensor>(tensor.to(dtype));
}

/// The message of validate(); empty = valid.
std::string refusal(std::shared_ptr<const Tensor> q, std::shared_ptr<const Tensor> k,
                    std::shared_ptr<const Tensor> v, double scale = 0) {
  Inputs in{.q = std::move(q), .k = std::move(k), .v = std::move(v), .scale = scale};
  try {
    in.validate();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Inputs, ProductsMustFitFloat32) {
  const auto one = filled(1, 1);
  EXPECT_EQ(refusal(filled(1, 1e18F), filled(1, 1e20F), one), "");
  EXPECT_EQ(refusal(filled(1, 1e20F), filled(1, 1e20F), one),
            "head 0: products of q and k can reach 2e+40, beyond float32's 3.4e+38");
  // Devices may multiply before they scale.
  EXPECT_NE(refusal(filled(1, 1e20F), filled(1, 1e20F), one, 1e-10), "");
  EXPECT_NE(refusal(filled(1, 1e18F), filled(1, 1e20F), one, 100), "");
  EXPECT_NE(refusal(filled(1, 1e20F, DType::bf16), filled(1, 1e20F, DType::bf16), one), "");
}

TEST(Inputs, TheHeadThatIsTooLargeIsNamed) {
  Tensor k(4, 2, 2);
  k.row(3, 1)[1] = 1e30F;
  const auto keys = std::make_shared<const Tensor>(std::move(k));
  const std::string said = refusal(filled(4, 1e10F), keys, filled(2, 1));
  EXPECT_EQ(said.rfind("head 2: products of q and k", 0), 0U) << said;
}

TEST(Inputs, SumsOfValuesMustFitFloat32) {
  const auto one = filled(1, 1);
  EXPECT_EQ(refusal(one, one, filled(1, 7e37F)), "");
  EXPECT_EQ(refusal(one, one, filled(1, 1e38F)),
            "head 0: sums of v over the tokens can reach 4e+38, beyond float32's 3.4e+38");
}

}  // namespace
}  // namespace vidattn
