#include "harness/io/places/roles.h"

#include <gtest/gtest.h>

#include "harness/io/file.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::read_bytes;
using testing::write_bytes;

class Roles : public ::testing::Test {
 protected:
  void SetUp() override { write_bytes(file(), "kept"); }
  std::string file() const { return folder_ / "a"; }
  std::string spelt_otherwise() const { return folder_.path() / "." / "a"; }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(Roles, WhatIsWrittenIsNothingElse) {
  const FileRoles roles;
  claim_written(file(), "--out");
  expect_input_error([&] { claim_written(spelt_otherwise(), "--stats"); },
                     "--out and --stats name the same file");
  expect_input_error([&] { claim_read(spelt_otherwise(), "--q"); },
                     "--out and --q name the same file");
  expect_input_error([&] { const InputFile opened(spelt_otherwise()); },
                     "is read, and --out would overwrite it");
}

TEST_F(Roles, WhatIsReadMayBeReadAgainButNotWritten) {
  const FileRoles roles;
  claim_read(file(), "--q");
  claim_read(spelt_otherwise(), "--k");
  expect_input_error([&] { claim_written(spelt_otherwise(), "--out"); },
                     "--q and --out name the same file");
}

TEST_F(Roles, WhatWasOpenedIsNotWrittenUnlessThatIsTheSense) {
  const FileRoles roles;
  { const InputFile opened(file()); }
  expect_input_error([&] { write_text(spelt_otherwise(), "new"); }, "the command reads it");
  expect_input_error([&] { require_writable(file()); }, "the command reads it");
  EXPECT_EQ(read_bytes(file()), "kept");
  allow_update(spelt_otherwise());
  write_text(file(), "new");
  EXPECT_EQ(read_bytes(file()), "new");
}

TEST_F(Roles, AMissingFileIsNotRead) {
  const FileRoles roles;
  const std::string none = file() + "b";
  expect_input_error([&] { const InputFile opened(none); }, "No such file");
  write_text(none, "new");
}

TEST_F(Roles, WithoutACommandNothingIsHeldAgainstAnything) {
  {
    const FileRoles roles;
    claim_written(file(), "--out");
  }
  claim_written(file(), "--out");
  claim_read(file(), "--q");
  { const InputFile opened(file()); }
  write_text(file(), "new");
  EXPECT_EQ(read_bytes(file()), "new");
}

}  // namespace
}  // namespace vidattn
