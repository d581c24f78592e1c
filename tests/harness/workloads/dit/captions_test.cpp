#include "harness/workloads/dit/captions.h"

#include <gtest/gtest.h>

#include <set>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/dit/palette.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

/// What parse_caption() says against a text; empty where it takes it.
std::string refusal(const std::string& text) {
  try {
    parse_caption(text);
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(Captions, SayWhatAShotShows) {
  std::set<int32_t> seen;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Film film({.seed = seed, .frames = 8, .height = 16, .width = 16, .shots = {0, 2, 4, 6}});
    for (int64_t shot = 0; shot < 4; ++shot) {
      const std::vector<int32_t> tokens = shot_caption(film, shot);
      ASSERT_EQ(tokens.size(), static_cast<size_t>(kCaptionTokens));
      seen.insert(tokens.begin(), tokens.end());
      const std::string text = caption_text(tokens);
      EXPECT_EQ(parse_caption(text), tokens) << text;
      const ShotScript script = film.script(shot);
      const char* const places[] = {"park ", "room ", "street ", "beach "};
      EXPECT_TRUE(text.starts_with(places[script.place])) << text;
      EXPECT_EQ(text.find("close") != std::string::npos, shot == 1 || shot == 2) << text;
      for (const auto& role : script.roles) {
        const char* const kinds[] = {"boy", "girl", "dog", "robot"};
        EXPECT_NE(text.find(kinds[role.character]), std::string::npos) << text;
      }
      for (const PaletteColour& colour : kPalette)
        EXPECT_EQ(text.find(colour.name), std::string::npos) << text;
    }
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(kCaptionVocabulary - 1));  // all but none
  EXPECT_EQ(*seen.begin(), 1);
  EXPECT_EQ(*seen.rbegin(), kCaptionVocabulary - 1);
}

TEST(Captions, AreReadAsTheyAreWritten) {
  const auto tokens = parse_caption("beach close, girl right walks-left, dog left idles");
  EXPECT_EQ(tokens, (std::vector<int32_t>{4, 6, 8, 12, 16, 9, 11, 13}));
  EXPECT_EQ(caption_text(tokens), "beach close, girl right walks-left, dog left idles");
  EXPECT_EQ(parse_caption(" beach,close girl\tright walks-left dog left idles\r"), tokens);
}

TEST(Captions, MayLeaveOutCharacters) {
  EXPECT_EQ(parse_caption("park wide"), (std::vector<int32_t>{1, 5, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(parse_caption("none none, boy none none"),
            (std::vector<int32_t>{0, 0, 7, 0, 0, 0, 0, 0}));
  EXPECT_EQ(caption_text(parse_caption("park wide")), "park wide, none none none, none none none");
}

TEST(Captions, RefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(refusal("baech wide"),
            "caption: \"baech\" is no place, known are park, room, street, beach, none; did you "
            "mean beach?");
  EXPECT_NE(refusal("wide beach").find("\"wide\" is no place"), std::string::npos);
  EXPECT_NE(refusal("park wide robo left idles").find("did you mean robot?"), std::string::npos);
  EXPECT_NE(refusal("park wide boy left walks").find("\"walks\" is no action"), std::string::npos);
  EXPECT_NE(refusal("park").find("ends before its camera"), std::string::npos);
  EXPECT_NE(refusal("").find("ends before its place"), std::string::npos);
  EXPECT_NE(refusal("park wide boy left").find("ends before its action"), std::string::npos);
  EXPECT_NE(refusal("park wide boy left idles dog left idles dog").find("\"dog\" is too much"),
            std::string::npos);
  EXPECT_THROW(caption_text(std::vector<int32_t>{1, 5}), InputError);
  EXPECT_THROW(caption_text(std::vector<int32_t>{5, 5, 0, 0, 0, 0, 0, 0}), InputError);
}

TEST(Captions, OfAFileAreALinePerShot) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "captions.txt").string();
  write_text(path, "park wide, boy left waves\r\n\nroom close");
  EXPECT_EQ(read_captions(path),
            (std::vector<int32_t>{1, 5, 7, 11, 14, 0, 0, 0, 2, 6, 0, 0, 0, 0, 0, 0}));
  write_text(path, "park wide\n\nrom wide\n");
  try {
    read_captions(path);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("line 3: "), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("did you mean room?"), std::string::npos);
  }
  write_text(path, " \n");
  EXPECT_THROW(read_captions(path), InputError);
  EXPECT_THROW(read_captions((folder / "absent.txt").string()), InputError);
}

}  // namespace
}  // namespace vidattn
