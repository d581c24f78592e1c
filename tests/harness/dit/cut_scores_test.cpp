#include "harness/dit/experiments/cut_scores.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "harness/workloads/dit/latents.h"
#include "harness/workloads/shots.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

class CutScoresTest : public ::testing::Test {
 protected:
  /// The true clip as latents have it.
  std::vector<cv::Mat> painted() const { return decode_latents(clip_.latents(), clip_.grid()); }
  size_t first_frame(size_t shot) const { return pixel_frames(clip_.grid().shots[shot]); }

  TrainingClip clip_{3, 12, 4, 4};
};

TEST_F(CutScoresTest, TheTrueClipIsAsSharpAndAsCalmAsItself) {
  const CutScores scores = cut_scores(clip_, 1, painted());
  EXPECT_EQ(scores.sharpness, 1);
  EXPECT_EQ(scores.cut_flicker, 1);
}

TEST_F(CutScoresTest, GivenShotsAreNotJudged) {
  std::vector<cv::Mat> frames = painted();
  for (size_t i = 0; i < first_frame(1); ++i) frames[i].setTo(cv::Scalar::all(9));
  const CutScores scores = cut_scores(clip_, 1, frames);
  EXPECT_EQ(scores.sharpness, 1);
  EXPECT_EQ(scores.cut_flicker, 1);
  EXPECT_NE(cut_scores(clip_, 0, frames).sharpness, 1);
}

TEST_F(CutScoresTest, BlurredIsLessSharp) {
  std::vector<cv::Mat> frames = painted();
  for (cv::Mat& frame : frames) cv::GaussianBlur(frame, frame, {}, 2);
  EXPECT_LT(cut_scores(clip_, 1, frames).sharpness, 0.7);
}

TEST_F(CutScoresTest, AFirstFrameThatIsBrighterFlickersAndALaterOneDoesNot) {
  std::vector<cv::Mat> frames = painted();
  for (size_t shot = 1; shot < clip_.grid().shots.size(); ++shot)
    for (size_t i = 0; i < 4; ++i) frames[first_frame(shot) + i] += cv::Scalar::all(40);
  EXPECT_GT(cut_scores(clip_, 1, frames).cut_flicker, 1.5);
  frames = painted();
  const auto end = frames.size();
  for (size_t i = end - 4; i < end; ++i) frames[i] += cv::Scalar::all(40);
  EXPECT_LT(cut_scores(clip_, 1, frames).cut_flicker, 1);
}

TEST_F(CutScoresTest, RefusesWhatIsNotTheClip) {
  std::vector<cv::Mat> frames = painted();
  frames.pop_back();
  testing::expect_input_error([&] { cut_scores(clip_, 1, frames); }, "44 frames, the clip 45");
  testing::expect_input_error([&] { cut_scores(clip_, 9, painted()); }, "every shot is given");
}

}  // namespace
}  // namespace vidattn
