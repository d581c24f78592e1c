#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/device.h"
#include "tests/support/block_maps.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

/// Calls of few tokens, odd grids and half types, where blocks are short, alone, or larger than the
/// call.
namespace vidattn::awkward_shapes_test {
namespace {

constexpr const char* kMethods[] = {"oracle_token", "oracle_block", "random_block", "subblock",
                                    "nabla",        "draft",        "xattention"};

void expect_same_on_devices(const std::string& method, const Inputs& in) {
  SCOPED_TRACE(method + " " + std::to_string(in.length()));
  Inputs explained = in;
  explained.explain = true;
  const Plan plan = planned(find_backend(method), in, {}),
             same = planned(find_backend(method), explained, {});
  EXPECT_EQ(pairs_of(plan, in), pairs_of(same, in));
  expect_matches_reference(find_device("cpu"), plan, in, {3e-6, 1e-5F});
}

TEST(AwkwardShapes, FewTokens) {
  for (const char* method : kMethods)
    for (const int64_t width : {1, 15, 17, 131}) {
      expect_same_on_devices(method, random_video(1, 1, width, 2, 8));
      expect_same_on_devices(method, random_video(width, 1, 1, 1, 16));
    }
}

TEST(AwkwardShapes, OddGridsWithTextAndSharedKeyHeads) {
  for (const char* method : kMethods)
    for (const int64_t text : {0, 37}) {
      Inputs in = random_inputs(3 * 7 * 11 + text, 4, 24);
      in.k = random_tensor(in.length(), 2, 24, 8);
      in.v = random_tensor(in.length(), 2, 24, 9);
      in.grid = {.frames = 3, .height = 7, .width = 11, .text_tokens = text};
      expect_same_on_devices(method, in);
    }
}

TEST(AwkwardShapes, HalfTypesChooseLikeTheirValuesInFloat) {
  for (const char* method : kMethods) {
    const Inputs half = as(random_video(3, 10, 11, 2, 16), DType::bf16),
                 wide = as(half, DType::f32);
    const Plan a = planned(find_backend(method), half, {}),
               b = planned(find_backend(method), wide, {});
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t i = 0; i < half.length(); i += 7)
        EXPECT_EQ(visible_keys(a.branches[0], half, i, h), visible_keys(b.branches[0], wide, i, h))
            << method;
  }
}

TEST(AwkwardShapes, EqualTokensAreAllOneTie) {
  for (const char* method : kMethods) {
    Inputs in = random_video(3, 9, 10, 1, 8);
    auto k = std::make_shared<Tensor>(in.k->clone());
    for (int64_t j = 1; j < in.length(); ++j) std::copy_n(in.k->row(0, 0), 8, k->row(j, 0));
    in.k = k;
    expect_same_on_devices(method, in);
  }
}

}  // namespace
}  // namespace vidattn::awkward_shapes_test
