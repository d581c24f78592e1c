#include "harness/io/places/place.h"

#include <gtest/gtest.h>

#include "tests/harness/files.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using testing::write_bytes;

/// A folder with a file, links to it and to the folder, and the other spellings of them.
class Places : public ::testing::Test {
 protected:
  void SetUp() override {
    write_bytes(folder_ / "file", "x");
    fs::create_directory(folder_ / "sub");
    fs::create_symlink("file", folder_ / "link");
    fs::create_hard_link(folder_ / "file", folder_ / "hard");
    fs::create_symlink(".", folder_ / "here");
    fs::create_symlink("none", folder_ / "dangling");
  }
  fs::path at(const std::string& name) const { return folder_ / name; }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(Places, AFileIsTheSameHoweverItIsSpelt) {
  for (const char* name :
       {"file", "./file", "sub/../file", "here/file", "link", "hard", "here/link", ".//file"})
    EXPECT_TRUE(same_file(at("file"), at(name))) << name;
  EXPECT_FALSE(same_file(at("file"), at("none")));
  EXPECT_FALSE(same_file(at("file"), at("sub/file")));
  EXPECT_TRUE(same_file(fs::relative(at("file")), at("file")));
}

TEST_F(Places, WhatIsNotThereIsTheSameByItsFolderAndName) {
  for (const char* name : {"none", "./none", "sub/../none", "here/none", "dangling"})
    EXPECT_TRUE(same_file(at("none"), at(name))) << name;
  EXPECT_FALSE(same_file(at("none"), at("sub/none")));
  EXPECT_FALSE(same_file(at("none"), at("nothing")));
  EXPECT_TRUE(same_file("none-here", "./none-here"));
  EXPECT_FALSE(same_file(at("missing/none"), at("missing/none")));  // nothing can be there
  EXPECT_EQ(place_of(at("missing/none")), std::nullopt);
  EXPECT_EQ(place_of(at("dangling"))->name, "none");
}

}  // namespace
}  // namespace vidattn
