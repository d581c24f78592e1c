#include "harness/workloads/video/even_frames.h"

#include <gtest/gtest.h>

#include "tests/harness/videos.h"

namespace vidattn {
namespace {

/// Frames of the grey levels 0, 1, 2, …
class Levels : public FrameSource {
 public:
  explicit Levels(int count) : count_(count) {}
  cv::Mat next() override { return position_ < count_ ? testing::grey(position_++) : cv::Mat(); }
  double fps() const override { return 0; }
  int64_t frames_promised() const override { return count_; }

 private:
  int count_, position_ = 0;
};

TEST(EvenFrames, JitterOfLessThanHalfAStepIsEven) {
  EXPECT_TRUE(are_even({0, 0.041, 0.083, 0.125, 0.166}));
  EXPECT_TRUE(are_even({0, 0.05, 0.083, 0.13, 0.166}));
  EXPECT_FALSE(are_even({0, 0.04, 0.08, 0.2, 0.24}));
  EXPECT_TRUE(are_even({0, 1}));
}

TEST(EvenFrames, AHeldFrameRepeatsAndAFasterOneIsLeftOut) {
  // The third is held, the fifth too short.
  const std::vector<double> times{0, 1, 2, 5, 6, 6.4, 7, 8};
  EvenGrid grid = even_grid(times, "v");
  EXPECT_DOUBLE_EQ(grid.fps, 1);
  EXPECT_EQ(grid.sources, (std::vector<int64_t>{0, 1, 2, 2, 2, 3, 5, 6}));
  EXPECT_EQ(grid.shots({0, 2, 5}), (std::vector<int64_t>{0, 2, 6}));
  const auto frames = evenly(std::make_unique<Levels>(7), grid);
  for (const int64_t source : grid.sources)
    EXPECT_EQ(cv::mean(frames->next())[0], static_cast<double>(source));
  EXPECT_TRUE(frames->next().empty());
}

TEST(EvenFrames, TimesThatWouldMakeTooManyFramesAreRefused) {
  testing::expect_input_error([] { even_grid({0, 0.001, 0.002, 1e9}, "v"); }, "too uneven");
}

}  // namespace
}  // namespace vidattn
