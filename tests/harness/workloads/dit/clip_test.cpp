#include "harness/workloads/dit/clip.h"

#include <gtest/gtest.h>

#include <array>
#include <opencv2/imgproc.hpp>
#include <set>

#include "attention/error.h"
#include "attention/parallel.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/dit/palette.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

TEST(TrainingClip, IsAFunctionOfItsSeed) {
  const TrainingClip one(5, 7, 4, 6), same(5, 7, 4, 6), other(6, 7, 4, 6);
  EXPECT_EQ(one.grid().shots, same.grid().shots);
  EXPECT_EQ(one.captions(), same.captions());
  EXPECT_EQ(one.latents(), same.latents());
  EXPECT_EQ(one.identity(), same.identity());
  EXPECT_NE(one.latents(), other.latents());
}

TEST(TrainingClip, HasTheShapesOfItsGrid) {
  for (const auto& [frames, height, width] :
       {std::array<int64_t, 3>{3, 1, 1}, {4, 3, 1}, {5, 1, 7}, {12, 8, 8}}) {
    const TrainingClip clip(2, frames, height, width);
    EXPECT_NO_THROW(clip.grid().validate());
    EXPECT_EQ(clip.grid().tokens(), frames * height * width);
    EXPECT_EQ(static_cast<int64_t>(clip.latents().size()), clip.grid().tokens() * kPatchChannels);
    EXPECT_EQ(static_cast<int64_t>(clip.identity().size()), clip.grid().tokens());
    EXPECT_EQ(clip.captions().size(), clip.grid().shots.size() * kCaptionTokens);
  }
}

TEST(TrainingClip, RefusesImpossibleSizes) {
  EXPECT_THROW(TrainingClip(1, 2, 8, 8), InputError);
  EXPECT_THROW(TrainingClip(1, 3, 0, 8), InputError);
  EXPECT_THROW(TrainingClip(1, 3, 8, -1), InputError);
  EXPECT_THROW(TrainingClip(1, 3, 8, 1 << 20), InputError);
}

TEST(TrainingClip, CutsBetweenLatentFrames) {
  std::set<size_t> counts;
  for (uint64_t seed = 0; seed < 20; ++seed)
    for (const int64_t frames : {3, 4, 12}) {
      const TrainingClip clip(seed, frames, 1, 1);
      const auto& shots = clip.grid().shots;
      ASSERT_NO_THROW(clip.grid().validate());
      counts.insert(shots.size());
      EXPECT_EQ(latent_shots(clip.film().shot_starts(), frames), shots);
      for (size_t i = 0; i < shots.size(); ++i)
        EXPECT_EQ(clip.film().shot_starts()[i], first_pixel_frame(shots[i]));
    }
  EXPECT_EQ(counts, (std::set<size_t>{3, 4}));
}

/// The largest share of a shot's pictures that a character has.
double share_of(const TrainingClip& clip, int character, size_t shot) {
  const auto& starts = clip.film().shot_starts();
  const int64_t end = shot + 1 < starts.size() ? starts[shot + 1] : clip.film().spec().frames;
  double most = 0;
  for (int64_t i = starts[shot]; i < end; ++i) {
    const cv::Mat mask = clip.film().identity(i);
    most =
        std::max(most, cv::countNonZero(mask == character + 1) / static_cast<double>(mask.total()));
  }
  return most;
}

/// Character 0 is seen in every shot but the second.
void expect_recurrence(const TrainingClip& clip, uint64_t seed) {
  constexpr double kVisible = 0.03;  // 490 of 128x128 pixels, about two tokens
  for (size_t shot = 0; shot < clip.grid().shots.size(); ++shot)
    if (shot == 1)
      EXPECT_EQ(share_of(clip, 0, shot), 0) << "seed " << seed;
    else
      EXPECT_GT(share_of(clip, 0, shot), kVisible) << "seed " << seed << ", shot " << shot;
}

TEST(TrainingClip, ItsFirstCharacterReturnsAfterAShotWithoutIt) {
  for (uint64_t seed = 0; seed < 100; ++seed) expect_recurrence(TrainingClip(seed, 12, 8, 8), seed);
  for (uint64_t seed = 100; seed < 110; ++seed) {
    expect_recurrence(TrainingClip(seed, 3, 4, 4), seed);
    expect_recurrence(TrainingClip(seed, 4, 6, 5), seed);
    expect_recurrence(TrainingClip(seed, 21, 5, 9), seed);
  }
}

TEST(TrainingClip, DrawsEveryColourForEveryCharacter) {
  constexpr int kClips = 600;
  std::array<std::array<int, kColours>, kFilmCast> counts{};
  std::array<int, kFilmCast> first_kinds{};
  int alike = 0;
  for (uint64_t seed = 0; seed < kClips; ++seed) {
    const TrainingClip clip(seed, 3, 1, 1);
    for (int i = 0; i < kFilmCast; ++i) ++counts[i][clip.colour_of(i)];
    ++first_kinds[static_cast<int>(clip.film().cast()[0].kind)];
    alike += clip.colour_of(0) == clip.colour_of(1);
  }
  const int share = kClips / kColours;  // standard deviation 9
  for (const auto& character : counts)
    for (const int count : character) EXPECT_NEAR(count, share, 40);
  EXPECT_NEAR(alike, share, 40);
  for (const int count : first_kinds) EXPECT_NEAR(count, kClips / kFilmCast, 45);
}

TEST(TrainingClip, IdentityIsTheMajorityOfATokensPixels) {
  const TrainingClip clip(3, 4, 6, 6);
  const std::vector<uint8_t> identity = clip.identity();
  const VideoGrid& grid = clip.grid();
  std::set<int> found;
  for (int64_t t = 0; t < grid.frames; ++t)
    for (int64_t y = 0; y < grid.height; ++y)
      for (int64_t x = 0; x < grid.width; ++x) {
        std::array<int, kFilmCast + 1> counts{};
        for (int64_t i = first_pixel_frame(t); i < first_pixel_frame(t + 1); ++i) {
          const cv::Rect part(static_cast<int>(16 * x), static_cast<int>(16 * y), 16, 16);
          const cv::Mat mask = clip.film().identity(i)(part);
          for (int id = 0; id <= kFilmCast; ++id) counts[id] += cv::countNonZero(mask == id);
        }
        const int id = identity[grid.token(t, y, x)];
        found.insert(id);
        EXPECT_EQ(counts[id], *std::ranges::max_element(counts));
      }
  EXPECT_GE(found.size(), 3u);
}

TEST(TrainingClip, RecolouringChangesOneCharacterOnly) {
  const TrainingClip clip(4, 5, 8, 8);
  const int colour = (clip.colour_of(0) + 1) % kColours;
  const TrainingClip other = clip.recoloured(0, colour);
  EXPECT_EQ(other.colour_of(0), colour);
  EXPECT_EQ(other.colour_of(1), clip.colour_of(1));
  EXPECT_EQ(other.captions(), clip.captions());
  EXPECT_EQ(other.identity(), clip.identity());
  for (int64_t i = 0; i < clip.film().spec().frames; ++i) {
    cv::Mat changed, near;
    cv::absdiff(clip.film().frame(i), other.film().frame(i), changed);
    cv::cvtColor(changed, changed, cv::COLOR_BGR2GRAY);
    cv::dilate(clip.film().identity(i) == 1, near,
               cv::Mat::ones(5, 5, CV_8U));  // pictures have smooth edges
    EXPECT_EQ(cv::countNonZero((changed > 0) & (near == 0)), 0) << "frame " << i;
  }
  EXPECT_NE(other.latents(), clip.latents());
  EXPECT_EQ(other.recoloured(0, clip.colour_of(0)).latents(), clip.latents());
  EXPECT_THROW(clip.recoloured(4, 0), InputError);
  EXPECT_THROW(clip.recoloured(0, kColours), InputError);
}

TEST(TrainingClip, MayBeMadeBySeveralThreads) {
  constexpr int kClips = 8;
  std::array<std::vector<float>, kClips> together;
  RegionErrors errors;
#pragma omp parallel for num_threads(4)
  for (int i = 0; i < kClips; ++i)
    errors.catching([&] { together[i] = TrainingClip(i, 4, 4, 4).latents(); });
  errors.rethrow();
  for (int i = 0; i < kClips; ++i) EXPECT_EQ(together[i], TrainingClip(i, 4, 4, 4).latents());
}

}  // namespace
}  // namespace vidattn
