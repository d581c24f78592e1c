#include "harness/workloads/video/kept_frames.h"

#include <gtest/gtest.h>

#include "tests/harness/videos.h"

namespace vidattn {
namespace {

class Greys : public FrameSource {
 public:
  cv::Mat next() override { return count_ < 5 ? testing::grey(count_++) : cv::Mat(); }
  double fps() const override { return 12; }
  int64_t frames_promised() const override { return 5; }

 private:
  int count_ = 0;
};

constexpr size_t kFrame = size_t{64} * 48 * 3;  // bytes

TEST(KeptFrames, AreReadOnceMoreWithoutTheirSource) {
  KeptFrames frames(std::make_unique<Greys>(), 5 * kFrame);
  for (int i = 0; i < 5; ++i) frames.next();
  EXPECT_EQ(frames.again(), nullptr) << "the end is not known yet";
  EXPECT_TRUE(frames.next().empty());
  const auto again = frames.again();
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->fps(), 12);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(cv::mean(again->next())[0], i);
  EXPECT_TRUE(again->next().empty());
}

TEST(KeptFrames, AreGivenUpWhereTheyAreTooMany) {
  KeptFrames frames(std::make_unique<Greys>(), 5 * kFrame - 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(cv::mean(frames.next())[0], i);
  EXPECT_TRUE(frames.next().empty());
  EXPECT_EQ(frames.again(), nullptr);
}

}  // namespace
}  // namespace vidattn
