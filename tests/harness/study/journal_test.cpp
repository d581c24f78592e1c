#include "harness/study/serve/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/harness/files.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::expect_input_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

std::vector<int64_t> lines_of(const std::string& path) {
  std::vector<int64_t> numbers;
  const Journal journal(path,
                        [&](const JsonReader& line) { numbers.push_back(line.at("n").integer()); });
  return numbers;
}

void ignore(const JsonReader&) {}

TEST(Journal, KeepsWhatWasAppended) {
  const TemporaryFolder folder;
  const std::string path = folder / "j";
  {
    Journal journal(path, ignore);
    journal.append({{"n", 1}});
    EXPECT_EQ(read_bytes(path), "{\"n\":1}\n") << "on the disk at once";
    journal.append({{"n", 2}});
  }
  EXPECT_EQ(lines_of(path), (std::vector<int64_t>{1, 2}));
  Journal(path, ignore).append({{"n", 3}});
  EXPECT_EQ(lines_of(path), (std::vector<int64_t>{1, 2, 3}));
}

TEST(Journal, CutsOffALineThatAKillLeftUnfinished) {
  const TemporaryFolder folder;
  const std::string path = folder / "j";
  const std::string whole = "{\"n\":1}\n{\"n\":2}\n";
  for (size_t length = 0; length <= whole.size(); ++length) {
    write_bytes(path, whole.substr(0, length));
    Journal(path, ignore).append({{"n", 3}});
    std::vector<int64_t> expected;
    if (length >= 8) expected.push_back(1);
    if (length >= 16) expected.push_back(2);
    expected.push_back(3);
    EXPECT_EQ(lines_of(path), expected) << length;
  }
}

TEST(Journal, IsOfOneProcessAtATime) {
  const TemporaryFolder folder;
  const std::string path = folder / "j";
  const Journal first(path, ignore);
  expect_input_error([&] { Journal(path, ignore); }, "another `vidattn study serve`");
}

TEST(Journal, TakesBackWhatDidNotFit) {
  const TemporaryFolder folder;
  const std::string path = folder / "j";
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  Journal journal(path, ignore);
  journal.append({{"n", 1}});
  const rlimit small{20, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  expect_input_error([&] { journal.append({{"n", 1234567890123}}); }, "File too large");
  EXPECT_EQ(read_bytes(path), "{\"n\":1}\n");
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, before);
  journal.append({{"n", 2}});
  EXPECT_EQ(read_bytes(path), "{\"n\":1}\n{\"n\":2}\n");
}

TEST(Journal, RefusesAFileOfSomethingElseAndLeavesItAsItIs) {
  const TemporaryFolder folder;
  const std::string path = folder / "j", other = "no JSON\nwithout an end";
  write_bytes(path, other);
  expect_input_error([&] { Journal(path, ignore); }, "line 1");
  EXPECT_EQ(read_bytes(path), other);
  expect_input_error([&] { Journal(folder.path() / "none" / "j", ignore); }, "No such file");
}

TEST(Journal, FollowsNoLink) {
  const TemporaryFolder folder;
  const std::string path = folder / "j", elsewhere = folder / "elsewhere";
  write_bytes(elsewhere, "a line without an end");
  std::filesystem::create_symlink(elsewhere, path);
  expect_input_error([&] { Journal(path, ignore); }, "it is a link");
  EXPECT_EQ(read_bytes(elsewhere), "a line without an end");
}

}  // namespace
}  // namespace vidattn
