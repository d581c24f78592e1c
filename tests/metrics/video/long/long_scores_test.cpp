#include "metrics/video/long/long_scores.h"

#include <gtest/gtest.h>

#include "tests/support/pictures.h"

namespace vidattn {
namespace {

using testing::flat;
using Clips = std::vector<ClipFrames>;

TEST(LongClips, AreVBenchLongs) {
  EXPECT_EQ(long_clips(48, 8, 2), (Clips{{0, 16}, {16, 32}, {32, 48}}));
  // What is left is lengthened by the frames before it.
  EXPECT_EQ(long_clips(35, 8, 2), (Clips{{0, 16}, {16, 32}, {19, 35}}));
  EXPECT_EQ(long_clips(17, 8, 2), (Clips{{0, 16}, {1, 17}}));
  EXPECT_EQ(long_clips(15, 8, 2), (Clips{{0, 15}}));  // too short to be split
  EXPECT_EQ(long_clips(16, 8, 2), (Clips{{0, 16}}));
  EXPECT_EQ(long_clips(60, 29.97, 1), (Clips{{0, 29}, {29, 58}, {31, 60}}));  // 29 frames a second
  EXPECT_EQ(long_clips(60, 0.9, 2), (Clips{}));
  EXPECT_EQ(long_clips(0, 24, 2), (Clips{}));
}

/// Scores the mean level of a clip's frames, and keeps what it was told of it.
class MeanLevel : public VideoMetric {
 public:
  explicit MeanLevel(const VideoInfo& video) : video_(video) {}
  void add(const cv::Mat& frame, int) override {
    sum_ += cv::mean(frame)[0];
    ++frames_;
  }
  std::vector<VideoScore> scores() const override {
    EXPECT_EQ(frames_, video_.frames);
    if (sum_ == 0) return {{.name = "level", .note = "undefined: black"}};
    return {{.name = "level", .value = sum_ / static_cast<double>(frames_), .note = "mean"}};
  }

 private:
  VideoInfo video_;
  double sum_ = 0;
  int64_t frames_ = 0;
};

void feed_greys(VideoMetric& metric, const std::vector<int>& levels) {
  for (const int level : levels) metric.add(flat(level, level, level, 8, 8), 0);
}

TEST(LongScores, AreMeansOverClips) {
  std::vector<VideoInfo> told;
  LongScores metric({.frames = 10, .fps = 2.5, .shots = {0, 3, 8}}, 2, [&](const VideoInfo& clip) {
    told.push_back(clip);
    return std::make_unique<MeanLevel>(clip);
  });
  feed_greys(metric,
             {10, 10, 10, 10, 20, 20, 20, 20, 60, 60});  // the last clip holds frames 6 to 9
  const VideoScore score = metric.scores().at(0);
  EXPECT_EQ(score.name, "level.long");
  EXPECT_EQ(score.series, (std::vector<double>{10, 20, 40}));
  EXPECT_DOUBLE_EQ(score.value, 70.0 / 3);
  EXPECT_NE(score.note.find("2 s; mean"), std::string::npos) << score.note;
  ASSERT_EQ(told.size(), 3U);
  for (const VideoInfo& clip : told) {
    EXPECT_EQ(clip.frames, 4);
    EXPECT_EQ(clip.fps, 2);
  }
  EXPECT_EQ(told[0].shots, (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(told[1].shots, (std::vector<int64_t>{0}));
  EXPECT_EQ(told[2].shots, (std::vector<int64_t>{0, 2}));
}

TEST(LongScores, LeaveOutClipsWithoutAScore) {
  const auto make = [](const VideoInfo& clip) { return std::make_unique<MeanLevel>(clip); };
  LongScores metric({.frames = 6, .fps = 2}, 1, make);
  feed_greys(metric, {0, 0, 30, 30, 50, 50});
  EXPECT_DOUBLE_EQ(metric.scores().at(0).value, 40);
  LongScores black({.frames = 4, .fps = 2}, 1, make);
  feed_greys(black, {0, 0, 0, 0});
  EXPECT_TRUE(std::isnan(black.scores().at(0).value));
  EXPECT_EQ(black.scores().at(0).note, "undefined: black");
}

/// Describes a frame by an angle, its level in degrees.
class Angle : public FrameDescriptor {
 public:
  std::string name() const override { return "angle"; }
  std::string protocol() const override { return "angle"; }
  std::vector<Feature> describe(const cv::Mat& frame, const std::vector<cv::Mat>&) const override {
    const double angle = cv::mean(frame)[0] * CV_PI / 180;
    return {{static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))}};
  }
};

TEST(ClipToClip, ComparesTheFirstFramesOfClips) {
  const auto angle = std::make_shared<Angle>();
  ClipToClip metric(angle, "subject_consistency", {.frames = 5, .fps = 2}, 1);
  feed_greys(metric, {0, 200, 60, 60, 200});  // clips begin at 0, 2 and 3: 0, 60 and 60 degrees
  const VideoScore score = metric.scores().at(0);
  EXPECT_EQ(score.name, "subject_consistency.clip_to_clip");
  EXPECT_NEAR(score.value, (0.5 + (1 + 0.5) / 2) / 2, 1e-6);
  ClipToClip one(angle, "subject_consistency", {.frames = 2, .fps = 2}, 1);
  feed_greys(one, {0, 0});
  EXPECT_TRUE(std::isnan(one.scores().at(0).value));
}

}  // namespace
}  // namespace vidattn
