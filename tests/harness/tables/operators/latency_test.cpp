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

std::string labels_of(const std::vector<OperatorTime>& times) {
  std::string labels;
  for (const OperatorTime& time : times) {
    EXPECT_TRUE(time.measured()) << time.label << ": " << time.failure;
    labels += time.label + " ";
  }
  return labels;
}

TEST(Latency, WholeOperatorsAreParted) {
  DitModel model = find_model("wan2.1-1.3b");
  model.heads = 1;
  model.dim = 16;
  TableOptions options;
  options.repeat = 1;
  LengthTimes times = measure_moga(model, 6240, options);
  EXPECT_EQ(labels_of(times.times), "full M=5 M=20 ");
  EXPECT_EQ(labels_of(times.whole), "full M=5 M=20 ");
  for (const OperatorTime& whole : times.whole) EXPECT_EQ(whole.scale, 1);
  options.full = true;
  times = measure_moga(model, 6240, options);
  EXPECT_EQ(labels_of(times.times), "full M=5 M=20 ");
  EXPECT_TRUE(times.whole.empty());
}

}  // namespace
}  // namespace vidattn
