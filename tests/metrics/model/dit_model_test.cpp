#include "metrics/model/dit_model.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "tests/metrics/dit_models.h"

namespace vidattn {
namespace {

using testing::hunyuan;
using testing::wan_14b;
using testing::wan_1_3b;

TEST(DitModel, ParametersOfWanAreThoseOfThePublishedCheckpoints) {
  EXPECT_EQ(wan_1_3b().parameters(), 1418996800);
  EXPECT_NEAR(static_cast<double>(wan_14b().parameters()), 14.29e9, 0.01e9);
  EXPECT_NEAR(static_cast<double>(hunyuan().parameters()), 12.8e9, 0.3e9);  // "13B"
}

TEST(DitModel, LayersAndHeadDim) {
  EXPECT_EQ(hunyuan().layers(), 60);
  EXPECT_EQ(hunyuan().head_dim(), 128);
  EXPECT_EQ(wan_14b().head_dim(), 128);
}

TEST(DitModel, RefusesSizesThatMakeNoModel) {
  DitModel model = wan_1_3b();
  EXPECT_NO_THROW(model.validate());
  model.heads = 7;
  EXPECT_THROW(model.validate(), InputError);
  model = wan_1_3b();
  model.ffn_dim = 0;
  EXPECT_THROW(model.validate(), InputError);
  model = wan_1_3b();
  model.dim = int64_t{1} << 40;
  EXPECT_THROW(model.validate(), InputError);
  model = wan_1_3b();
  model.blocks.clear();
  EXPECT_THROW(model.validate(), InputError);
  EXPECT_THROW(parse_block_kind("triple_stream"), InputError);
}

}  // namespace
}  // namespace vidattn
