#include "harness/workloads/dit/palette.h"

#include <gtest/gtest.h>

#include "attention/error.h"

namespace vidattn {
namespace {

/// Mean colour of a standing character over its mask.
Colour mean_colour(const Character& character) {
  const cv::Size size(128, 128);
  const Camera camera{{0.5, 0.5}, 128, size};
  const Pose pose{.feet = {0.5, 0.95}, .size = 0.8, .seconds = 0.4};
  cv::Mat image = cv::Mat::zeros(size, CV_8UC3), mask = cv::Mat::zeros(size, CV_8UC1);
  Canvas picture(image, camera), silhouette(mask, camera, 1);
  draw(character, pose, picture);
  draw(character, pose, silhouette);
  return cv::mean(image, mask);
}

TEST(Palette, ColoursOfACharacterAreFarApart) {
  using Kind = Character::Kind;
  for (const Kind kind : {Kind::boy, Kind::girl, Kind::dog, Kind::robot})
    for (int a = 0; a < kColours; ++a)
      for (int b = 0; b < a; ++b)
        EXPECT_GT(cv::norm(mean_colour(colour_character(kind, a)) -
                           mean_colour(colour_character(kind, b))),
                  30)
            << "kind " << static_cast<int>(kind) << ", " << kPalette[a].name << " and "
            << kPalette[b].name;
}

TEST(Palette, KeepsWhatIsNoClothing) {
  const Character film = make_cast(9)[1];
  const Character ours = colour_character(Character::Kind::girl, 2);
  EXPECT_EQ(ours.kind, film.kind);
  EXPECT_EQ(ours.skin, film.skin);
  EXPECT_EQ(ours.dark, film.dark);
  EXPECT_EQ(ours.main, Colour(kPalette[2].blue, kPalette[2].green, kPalette[2].red));
}

TEST(Palette, RefusesUnknownColours) {
  EXPECT_THROW(colour_character(Character::Kind::boy, -1), InputError);
  EXPECT_THROW(colour_character(Character::Kind::boy, kColours), InputError);
}

}  // namespace
}  // namespace vidattn
