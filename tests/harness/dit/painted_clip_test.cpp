#include "harness/dit/experiments/painted_clip.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

TEST(PaintedClip, FlopsOfAttentionFollowItsDensityAndRoutersHaveTheirOwn) {
  DitConfig config = dit_config("nano");
  const double pairs = 768.0 * 768, dense = 4 * pairs * 128 * 4;  // blocks
  EXPECT_NEAR(network_flops(config, 4, 1) - network_flops(config, 4, 0.25), 0.75 * dense, 1);
  EXPECT_GT(network_flops(config, 4, 0), 0);
  const double without = network_flops(config, 4, 0.5);
  config.groups = 5;
  EXPECT_NEAR(network_flops(config, 4, 0.5) - without, 2.0 * 768 * 128 * 5 * 4, 1);
}

}  // namespace
}  // namespace vidattn
