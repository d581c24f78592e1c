#include "harness/workloads/film/film.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <opencv2/imgproc.hpp>
#include <set>

#include "attention/error.h"
#include "harness/workloads/film/places.h"
#include "metrics/shots/shot_detection.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

FilmSpec small(uint64_t seed, int64_t frames = 96) {
  return {.seed = seed, .frames = frames, .height = 120, .width = 208};
}

/// FNV-1a of a picture's bytes.
uint64_t hash(const cv::Mat& image) {
  uint64_t h = 14695981039346656037u;
  for (int y = 0; y < image.rows; ++y)
    for (size_t x = 0; x < image.cols * image.elemSize(); ++x)
      h = (h ^ image.ptr<uint8_t>(y)[x]) * 1099511628211u;
  return h;
}

std::set<int> characters_in(const Film& film, int64_t frame) {
  const cv::Mat mask = film.identity(frame);
  std::set<int> found;
  for (int id = 1; id <= film.characters(); ++id)
    if (cv::countNonZero(mask == id) > 0.002 * static_cast<double>(mask.total())) found.insert(id);
  return found;
}

int64_t middle_of(const Film& film, size_t shot) {
  const auto& starts = film.shot_starts();
  const int64_t end = shot + 1 < starts.size() ? starts[shot + 1] : film.spec().frames;
  return (starts[shot] + end) / 2;
}

TEST(Film, IsAFunctionOfItsSpec) {
  const Film one(small(5)), same(small(5)), other(small(6));
  EXPECT_EQ(one.shot_starts(), same.shot_starts());
  for (const int64_t i : {90, 0, 41, 7}) {  // random access, in any order
    EXPECT_EQ(hash(one.frame(i)), hash(same.frame(i))) << "frame " << i;
    EXPECT_EQ(hash(one.identity(i)), hash(same.identity(i))) << "frame " << i;
    EXPECT_NE(hash(one.frame(i)), hash(other.frame(i))) << "frame " << i;
  }
  EXPECT_NE(hash(one.frame(0)), hash(one.frame(1)));
}

TEST(Film, PicturesAndMasksHaveTheirTypesAndSizes) {
  const Film film(small(2, 5));
  EXPECT_EQ(film.frame(4).type(), CV_8UC3);
  EXPECT_EQ(film.identity(4).type(), CV_8UC1);
  EXPECT_EQ(film.frame(4).size(), cv::Size(208, 120));
  EXPECT_EQ(film.identity(4).size(), cv::Size(208, 120));
}

TEST(Film, EveryShotShowsCharactersThatRecur) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Film film(small(seed, 256));
    std::vector<int> shots_with(static_cast<size_t>(film.characters()) + 1);
    ASSERT_GE(film.shot_starts().size(), 4u);
    for (size_t shot = 0; shot < film.shot_starts().size(); ++shot) {
      const auto found = characters_in(film, middle_of(film, shot));
      EXPECT_FALSE(found.empty()) << "seed " << seed << ", shot " << shot;
      for (const int id : found) ++shots_with[id];
    }
    EXPECT_GE(*std::max_element(shots_with.begin(), shots_with.end()), 3);
    EXPECT_EQ(film.place_of(0), film.place_of(2));  // A-B-A-C
    EXPECT_NE(film.place_of(0), film.place_of(1));
    EXPECT_NE(film.place_of(3), film.place_of(1));
    EXPECT_NE(film.place_of(3), film.place_of(0));
  }
}

TEST(Film, MaskLiesOnItsCharacter) {
  // A character keeps its colours in another shot, while the places differ.
  const Film film(small(3, 128));
  const int64_t a = middle_of(film, 0), b = middle_of(film, 1);
  const auto first = characters_in(film, a), second = characters_in(film, b);
  std::vector<int> both;
  std::set_intersection(first.begin(), first.end(), second.begin(), second.end(),
                        std::back_inserter(both));
  ASSERT_FALSE(both.empty());
  const cv::Mat mask_a = film.identity(a), mask_b = film.identity(b);
  const cv::Mat frame_a = film.frame(a), frame_b = film.frame(b);
  const double same =
      cv::norm(cv::mean(frame_a, mask_a == both[0]) - cv::mean(frame_b, mask_b == both[0]));
  const double places = cv::norm(cv::mean(frame_a, mask_a == 0) - cv::mean(frame_b, mask_b == 0));
  EXPECT_LT(same, places / 2);
}

TEST(Film, ShotStartsAreTheCutsThatADetectorSees) {
  for (const uint64_t seed : {1, 2, 3, 4}) {
    const Film film(small(seed, 128));
    ShotDetector detector;
    for (int64_t i = 0; i < film.spec().frames; ++i) detector.push(film.frame(i));
    EXPECT_EQ(shot_starts(detector.boundaries(), detector.frames()), film.shot_starts())
        << "seed " << seed;
  }
}

TEST(Film, CutsWhereItIsTold) {
  FilmSpec spec = small(1, 40);
  spec.shots = {0, 9, 25};
  const Film film(spec);
  EXPECT_EQ(film.shot_starts(), spec.shots);
  EXPECT_EQ(film.shot_of(8), 0);
  EXPECT_EQ(film.shot_of(9), 1);
  EXPECT_EQ(film.shot_of(39), 2);
}

TEST(Film, OwnCastAndTintsOfOneAreNoChange) {
  FilmSpec spec = small(5);
  const Film plain(spec);
  spec.cast = make_cast(5);
  spec.tints.assign(kPlaces, Colour(1, 1, 1));
  const Film told(spec);
  for (const int64_t i : {0, 41, 90}) {
    EXPECT_EQ(hash(plain.frame(i)), hash(told.frame(i))) << "frame " << i;
    EXPECT_EQ(hash(plain.identity(i)), hash(told.identity(i))) << "frame " << i;
  }
}

TEST(Film, TintsColourPlacesAndNotCharacters) {
  FilmSpec spec = small(5);
  const Film plain(spec);
  spec.tints.assign(kPlaces, Colour(1, 0.5, 1));  // blue, green, red
  const Film tinted(spec);
  const int64_t i = middle_of(plain, 0);
  const cv::Mat mask = plain.identity(i);
  cv::Mat inner;
  cv::erode(mask, inner, cv::Mat());
  const Colour before = cv::mean(plain.frame(i), mask == 0);
  const Colour after = cv::mean(tinted.frame(i), mask == 0);
  EXPECT_NEAR(after[0], before[0], 3);
  EXPECT_NEAR(after[1], before[1] / 2, 5);
  EXPECT_NEAR(after[2], before[2], 3);
  EXPECT_LT(cv::norm(cv::mean(plain.frame(i), inner) - cv::mean(tinted.frame(i), inner)), 3);
}

TEST(Film, ShowsAnotherCastInTheSameShots) {
  const Film film(small(5));
  std::vector<Character> cast = film.cast();
  cast[0].main = Colour(0, 255, 0);
  FilmSpec spec = small(5);
  spec.cast = cast;
  const Film other = film.with_cast(cast), made(spec);
  for (const int64_t i : {0, 41, 90})
    EXPECT_EQ(hash(other.frame(i)), hash(made.frame(i))) << "frame " << i;
  EXPECT_NE(hash(other.frame(0)), hash(film.frame(0)));
  EXPECT_EQ(hash(other.identity(0)), hash(film.identity(0)));
  std::swap(cast[0], cast[1]);
  EXPECT_THROW(film.with_cast(cast), InputError);
  EXPECT_THROW(film.with_cast({}), InputError);
}

/// Column of a character's middle; NaN where it is not seen.
double column_of(const Film& film, int64_t frame, int character) {
  const cv::Moments m = cv::moments(film.identity(frame) == character + 1, true);
  return m.m10 / m.m00;
}

TEST(Film, ScriptSaysWhatAShotShows) {
  int swapped = 0, walked = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    FilmSpec spec = small(seed, 64);
    spec.shots = {0, 16, 32, 48};
    spec.pan = 0;
    spec.swap_sides = seed % 2 == 0;
    const Film film(spec);
    for (int64_t shot = 0; shot < 4; ++shot) {
      const ShotScript script = film.script(shot);
      EXPECT_EQ(script.place, film.place_of(shot));
      EXPECT_EQ(script.close, shot == 1 || shot == 2);
      ASSERT_EQ(script.roles.size(), 2u);
      const int64_t middle = 16 * shot + 8;
      const double first = column_of(film, middle, script.roles[0].character);
      const double second = column_of(film, middle, script.roles[1].character);
      EXPECT_EQ(script.roles[0].left, first < second) << "seed " << seed << ", shot " << shot;
      EXPECT_NE(script.roles[0].left, script.roles[1].left);
      swapped += script.roles[0].left ? 0 : 1;
      EXPECT_TRUE(script.roles[0].left || spec.swap_sides);
      for (const auto& role : script.roles) {
        if (role.action != Action::walk) {
          EXPECT_EQ(role.faces_right, role.left);
          continue;
        }
        ++walked;
        const auto& front = script.roles[1];
        if (role.character != front.character) continue;  // the other one hides parts of it
        EXPECT_EQ(role.faces_right, column_of(film, 16 * shot + 12, role.character) >
                                        column_of(film, 16 * shot + 3, role.character))
            << "seed " << seed << ", shot " << shot;
      }
    }
  }
  EXPECT_GT(swapped, 2);
  EXPECT_LT(swapped, 14);
  EXPECT_GT(walked, 5);
}

TEST(Film, AnySizeAndLengthWork) {
  for (const auto& [frames, height, width] :
       {std::array<int64_t, 3>{1, 16, 16}, {2, 17, 333}, {100000, 64, 16}}) {
    const Film film({.frames = frames, .height = height, .width = width});
    EXPECT_EQ(film.frame(frames - 1).size(),
              cv::Size(static_cast<int>(width), static_cast<int>(height)));
  }
}

TEST(Film, RefusesImpossibleSpecs) {
  EXPECT_THROW(Film({.frames = 0}), InputError);
  EXPECT_THROW(Film({.height = 15}), InputError);
  EXPECT_THROW(Film({.width = 1 << 20}), InputError);
  EXPECT_THROW(Film({.fps = 0}), InputError);
  EXPECT_THROW(Film({.frames = 9, .shots = {0, 9}}), InputError);
  EXPECT_THROW(Film({.frames = 9, .shots = {1, 5}}), InputError);
  EXPECT_THROW(Film({.frames = 9, .cast = {make_cast(1)[0]}}), InputError);
  EXPECT_THROW(Film({.frames = 9, .tints = {Colour(1, 1, 1)}}), InputError);
  EXPECT_THROW(Film({.frames = 9, .pan = -0.1}), InputError);
}

TEST(WriteFilm, RefusesPathsThatCannotBeWritten) {
  const FilmSpec spec{.frames = 1, .height = 16, .width = 16};
  const auto folder = std::filesystem::path(::testing::TempDir()) / "folder.avi";
  std::filesystem::create_directories(folder);
  for (const std::string& path : {std::string("film.gif"), std::string("film"),
                                  std::string("/no/such/folder/film.avi"), folder.string()})
    EXPECT_THROW(write_film(spec, path), InputError) << path;
}

TEST(WriteFilm, LeavesNothingWhenStopped) {
  const testing::TemporaryFolder folder;
  const auto stop = [](double /*share*/) { return false; };
  const FilmSpec spec{.frames = 3, .height = 16, .width = 16};
  EXPECT_FALSE(write_film(spec, (folder / "f.avi").string(), stop));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace vidattn
