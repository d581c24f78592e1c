#include "attention/nearest.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

TEST(Nearest, DistanceCountsChangesInsertionsDeletionsAndSwaps) {
  EXPECT_EQ(edit_distance("moga", "moga"), 0);
  EXPECT_EQ(edit_distance("moga", "moba"), 1);
  EXPECT_EQ(edit_distance("moga", "mog"), 1);
  EXPECT_EQ(edit_distance("moga", "xmoga"), 1);
  EXPECT_EQ(edit_distance("moga", "mgoa"), 1);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("ca", "abc"), 3);  // optimal string alignment: no letter is moved twice
}

TEST(Nearest, TheNearestKnownWordIsMeant) {
  const std::vector<std::string> known = {"moga", "moga_stga", "stga", "vmoba"};
  EXPECT_EQ(did_you_mean("mgoa", known), "; did you mean moga?");
  EXPECT_EQ(did_you_mean("moga-stga", known), "; did you mean moga_stga?");
  EXPECT_EQ(did_you_mean("tsga", known), "; did you mean stga?");
  EXPECT_EQ(did_you_mean("VMoBA", known), "; did you mean vmoba?");
}

TEST(Nearest, AllKnownWordsAreNamed) {
  EXPECT_EQ(known_are("x", {"moga"}), "known are moga");
  EXPECT_EQ(known_are("mgoa", {"moga", "stga"}), "known are moga, stga; did you mean moga?");
}

TEST(Nearest, NothingIsMeantByAWordThatIsFarFromAll) {
  const std::vector<std::string> known = {"moga", "stga"};
  EXPECT_EQ(did_you_mean("nonsense", known), "");
  EXPECT_EQ(did_you_mean("", known), "");
  EXPECT_EQ(did_you_mean("7", {"4", "5"}), "");
  EXPECT_EQ(did_you_mean("moga", {}), "");
}

}  // namespace
}  // namespace vidattn
