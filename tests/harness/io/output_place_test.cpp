#include "harness/io/output_place.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "harness/io/file.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using testing::expect_input_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

size_t files_in(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST(OutputPlace, AFileThatIsReplacedLeavesItsRights) {
  const TemporaryFolder folder;
  for (const mode_t mode : {0600, 0640, 0444, 0755}) {
    write_bytes(folder / "a", "old");
    ASSERT_EQ(::chmod((folder / "a").c_str(), mode), 0);
    write_text(folder / "a", "new");
    EXPECT_EQ(read_bytes(folder / "a"), "new");
    EXPECT_EQ(mode_of(folder / "a"), mode);
  }
}

TEST(OutputPlace, AFileThatRootReplacesKeepsItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const TemporaryFolder folder;
  write_bytes(folder / "a", "old");
  ASSERT_EQ(::chown((folder / "a").c_str(), 12345, 12346), 0);
  ASSERT_EQ(::chmod((folder / "a").c_str(), 0664), 0);
  write_text(folder / "a", "new");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 12345U);
  EXPECT_EQ(status.st_gid, 12346U);
  EXPECT_EQ(mode_of(folder / "a"), 0664U);
}

TEST(OutputPlace, ANewFileHasTheRightsThatTheUserAsksFor) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_text(folder / "a", "new");
  {
    const OutputPlace place(folder / "b");
    PendingFile file = place.create_named(".avi");
    EXPECT_EQ(file.name().extension(), ".avi");
    EXPECT_EQ(mode_of(file.name()), 0640);
    place.take(file);
  }
  ::umask(before);
  EXPECT_EQ(mode_of(folder / "a"), 0640);
  EXPECT_EQ(mode_of(folder / "b"), 0640);
  EXPECT_EQ(files_in(folder.path()), 2U);
}

/// Whoever may write into the folder as well must not choose what is overwritten.
TEST(OutputPlace, NamesInTheFolderCannotBeForeseen) {
  const TemporaryFolder folder;
  const OutputPlace place(folder / "a");
  const PendingFile one = place.create_named(".tmp"), other = place.create_named(".tmp");
  EXPECT_NE(one.name(), other.name());
  EXPECT_FALSE(fs::exists(folder / "a"));
  write_bytes(folder / "victim", "precious");
  fs::create_symlink("victim", folder / ("b." + std::to_string(getpid()) + ".tmp"));
  write_text(folder / "b", "new");
  EXPECT_EQ(read_bytes(folder / "victim"), "precious");
  EXPECT_EQ(read_bytes(folder / "b"), "new");
}

TEST(OutputPlace, LinksStayAndLeadToTheFile) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "far");
  fs::create_symlink("far/file", folder / "first");  // there is no such file yet
  fs::create_symlink("first", folder / "second");
  for (const char* text : {"one", "two"}) {
    write_text(folder / "second", text);
    EXPECT_EQ(read_bytes(folder / "far" / "file"), text);
    EXPECT_TRUE(fs::is_symlink(folder / "first"));
    EXPECT_TRUE(fs::is_symlink(folder / "second"));
  }
  fs::create_symlink("round", folder / "round");
  expect_input_error([&] { write_text(folder / "round", "x"); }, "symbolic links");
}

TEST(OutputPlace, OnlyARegularFileIsWritten) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_input_error([&] { OutputPlace(folder / "pipe"); }, "it is a special file");
  expect_input_error([&] { OutputPlace(folder.path()); }, "Is a directory");
  expect_input_error([&] { OutputPlace(""); }, "No such file");
  expect_input_error([&] { OutputPlace("-"); }, "a file's name is needed");
  expect_input_error([&] { OutputPlace(folder / std::string(300, 'n')); }, "name too long");
}

/// As long as names can be: what is added to them for a while would be too much.
TEST(OutputPlace, TheLongestNameIsWritten) {
  const TemporaryFolder folder;
  const fs::path path = folder / std::string(255, 'n');
  for (const char* text : {"one", "two"}) {
    write_text(path, text);
    EXPECT_EQ(read_bytes(path), text);
  }
}

TEST(OutputPlace, AKillLeavesNothing) {
  const TemporaryFolder folder;
  {
    const OutputPlace place(folder / "a");
    if (!place.create().name().empty()) GTEST_SKIP() << "this file system knows no nameless files";
  }
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    OutputFile file(folder / "a");
    file.write("text", 4);
    std::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(OutputPlace, FoldersAreMadeAndAskedFor) {
  const TemporaryFolder folder;
  make_writable_folder(folder / "new");
  EXPECT_EQ(files_in(folder / "new"), 0U);
  expect_input_error([&] { make_writable_folder(folder / "none" / "deep"); }, "No such file");
  EXPECT_FALSE(std::filesystem::exists(folder / "none"));
  write_bytes(folder / "file", "x");
  expect_input_error([&] { make_writable_folder(folder / "file"); }, "File exists");
  expect_input_error([&] { make_writable_folder("/proc/nothing"); }, "/proc/nothing");
}

/// A process that writes a file in the folder and is killed before it is done, or waits.
pid_t writer_that(const fs::path& folder, bool lives) {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const OutputPlace place(folder / "a");
    const PendingFile file = place.create_named(".tmp");
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    if (lives) ::pause();
    ::kill(::getpid(), SIGKILL);
  }
  char byte = 0;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  if (!lives) ::waitpid(child, nullptr, 0);
  return child;
}

TEST(OutputPlace, WhatAKillLeftIsRemovedByTheNextWriterAndNothingElse) {
  const TemporaryFolder folder;
  writer_that(folder.path(), false);
  EXPECT_EQ(files_in(folder.path()), 1U) << "a kill leaves it";
  const pid_t alive = writer_that(folder.path(), true);
  EXPECT_EQ(files_in(folder.path()), 1U) << "the next writer took it away";
  const char* const kOthers[] = {".vidattn-0123456789abcdef", ".vidattn-0123456789abcdeg.tmp",
                                 ".vidattn-0123456789abcdef0.tmp",
                                 "x.vidattn-0123456789abcdef.tmp"};
  for (const char* name : kOthers) write_bytes(folder / name, "mine");
  fs::create_symlink(kOthers[0], folder / ".vidattn-0123456789abcde0.tmp");
  fs::create_directory(folder / ".vidattn-0123456789abcde1.tmp");
  write_text(folder / "b", "text");
  EXPECT_EQ(files_in(folder.path()), 1U + 4U + 2U + 1U) << "the file of the living one, too";
  ::kill(alive, SIGKILL);
  ::waitpid(alive, nullptr, 0);
  write_text(folder / "b", "text");
  EXPECT_EQ(files_in(folder.path()), 4U + 2U + 1U);
}

}  // namespace
}  // namespace vidattn
