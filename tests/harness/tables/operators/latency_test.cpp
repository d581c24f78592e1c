#include "harness/tables/operators/latency.h"

#include <gtest/gtest.h>

#include "harness/tables/models.h"

namespace vidattn {
namespace {

TEST(Latency, HeadsFitTheirMemory) {
  const DitModel small = find_model("wan2.1-1.3b"), large = find_model("wan2.1-14b");
  EXPECT_EQ(sampled_heads(small, 31200, {}), 12);
  EXPECT_EQ(sampled_heads(small, 187200, {}), 10);  // 10 x 187,200 x 128 x 16 bytes: 3.8 GB
  EXPECT_EQ(sampled_heads(large, 187200, {}), 10);
  TableOptions options;
  options.heads = 3;
  EXPECT_EQ(sampled_heads(small, 187200, options), 3);
  options.full = true;
  EXPECT_EQ(sampled_heads(small, 187200, options), 12);
}

}  // namespace
}  // namespace vidattn
