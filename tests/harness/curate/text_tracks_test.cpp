#include "harness/curate/text/text_tracks.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

const cv::Size kFrame(640, 360);

TextSighting seen(int64_t frame, cv::Rect box, const std::string& text, double motion) {
  return {frame, {box, text, 90}, motion};
}

TEST(TextTracks, AWatermarkStandsStillAndASignMoves) {
  std::vector<TextSighting> sightings;
  for (int i = 0; i < 5; ++i) {
    sightings.push_back(seen(10 * i, {520, 20, 90, 20}, "CHANNEL 7", 0));
    sightings.push_back(seen(10 * i, {100 + 25 * i, 150, 120, 30}, "HOTEL", 4));
  }
  const auto tracks = track_text(sightings, kFrame);
  ASSERT_EQ(tracks.size(), 2U);
  EXPECT_EQ(tracks[0].seen.size(), 5U);
  EXPECT_TRUE(tracks[0].overlay(kFrame));
  EXPECT_EQ(tracks[1].seen.size(), 5U);
  EXPECT_DOUBLE_EQ(tracks[1].drift(), 100);
  EXPECT_FALSE(tracks[1].overlay(kFrame));
}

TEST(TextTracks, ASlowSignIsToldByItsDriftAndAShortOneByItsMotion) {
  const auto slow = track_text(
      {seen(0, {100, 150, 120, 30}, "HOTEL", 0.5), seen(30, {106, 150, 120, 30}, "HOTEL", 0.5)},
      kFrame);
  ASSERT_EQ(slow.size(), 1U);
  EXPECT_FALSE(slow[0].overlay(kFrame));
  EXPECT_FALSE(track_text({seen(0, {100, 150, 120, 30}, "HOTEL", 3)}, kFrame)[0].overlay(kFrame));
  EXPECT_TRUE(track_text({seen(0, {100, 150, 120, 30}, "HOTEL", 0)}, kFrame)[0].overlay(kFrame));
}

TEST(TextTracks, ATextFoundInPartHasNotMoved) {
  const auto tracks = track_text({seen(0, {200, 300, 240, 30}, "we should go", 0),
                                  seen(9, {200, 296, 180, 34}, "we should", 0)},
                                 kFrame);
  ASSERT_EQ(tracks.size(), 1U);
  EXPECT_EQ(tracks[0].drift(), 0);
  EXPECT_EQ(tracks[0].hull(), cv::Rect(200, 296, 240, 34));
}

TEST(TextTracks, TheNextSubtitleInTheSamePlaceIsAnother) {
  const auto tracks = track_text({seen(0, {200, 300, 240, 30}, "where are you", 0),
                                  seen(20, {210, 300, 220, 30}, "ON MY WAY HOME", 0)},
                                 kFrame);
  EXPECT_EQ(tracks.size(), 2U);
}

TEST(TextTracks, LinesWithoutWordsGoByTheirBoxes) {
  std::vector<TextSighting> sightings;
  for (int i = 0; i < 3; ++i) {  // two lines of subtitles, one below the other, and the next ones
    sightings.push_back(seen(10 * i, {200 + 10 * i, 290, 240 - 20 * i, 24}, "", 0));
    sightings.push_back(seen(10 * i, {220, 320, 200, 24}, "", 0));
  }
  const auto tracks = track_text(sightings, kFrame);
  ASSERT_EQ(tracks.size(), 2U);
  for (const TextTrack& track : tracks) EXPECT_TRUE(track.overlay(kFrame));
  EXPECT_EQ(tracks[0].hull(), cv::Rect(200, 290, 240, 24));
  EXPECT_EQ(track_text({{0, {{10, 10, 60, 20}, "", 80}, 0}}, kFrame).size(), 1U);
}

TEST(TextTracks, FewLettersSeenOnceAreNoText) {
  EXPECT_TRUE(track_text({seen(0, {10, 10, 30, 20}, "ANS", 0)}, kFrame).empty());
  EXPECT_EQ(
      track_text({seen(0, {10, 10, 30, 20}, "ANS", 0), seen(9, {10, 10, 30, 20}, "ANS", 0)}, kFrame)
          .size(),
      1U);
}

TEST(TextTracks, LikenessIsOneMinusTheShareOfEdits) {
  EXPECT_DOUBLE_EQ(likeness("CHANNEL", "CHANNEL"), 1);
  EXPECT_DOUBLE_EQ(likeness("CHANNEL", "GHANNEL"), 1 - 1.0 / 7);
  EXPECT_DOUBLE_EQ(likeness("abc", ""), 0);
  EXPECT_DOUBLE_EQ(likeness("", ""), 1);
}

TEST(TextTracks, MotionIsFoundToThePixel) {
  cv::Mat frame(90, 160, CV_8U), later;
  cv::randu(frame, 0, 255);
  for (const cv::Point by : {cv::Point(0, 0), cv::Point(5, 0), cv::Point(-3, 4)}) {
    cv::warpAffine(frame, later, cv::Matx23d(1, 0, by.x, 0, 1, by.y), frame.size());
    EXPECT_NEAR(motion_of(frame, later, {60, 40, 40, 12}), std::hypot(by.x, by.y), 1e-9) << by;
  }
}

}  // namespace
}  // namespace vidattn
