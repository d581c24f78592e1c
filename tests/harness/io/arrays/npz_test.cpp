#include "harness/io/arrays/npz.h"

#include <zip.h>

#include "harness/io/npy.h"
#include "tests/harness/archives.h"
#include "tests/harness/files.h"
#include "tests/harness/numpy.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::expect_read_or_refused;
using testing::npy_bytes;
using testing::raw;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_zip;

const std::string kThree = npy_bytes("<f4", "(3,)", raw<float>({1, -2, 0.5F}));

TEST(Npz, StoredAndDeflatedMembers) {
  const TemporaryFolder folder;
  for (const bool deflated : {false, true}) {
    write_zip(folder / "a.npz",
              {{"b/c.npy", kThree}, {"a.npy", npy_bytes("<i4", "(1,)", raw<int32_t>({7}))}},
              deflated);
    const Npz npz(folder / "a.npz");
    EXPECT_EQ(npz.names(), (std::vector<std::string>{"a", "b/c"}));
    EXPECT_EQ(npz.stored("b/c").array().as<float>("a"), (std::vector<float>{1, -2, 0.5F}));
    EXPECT_EQ(npz.stored("a").array().as<int32_t>("a"), (std::vector<int32_t>{7}));
  }
}

TEST(Npz, WhatIsNoArrayHasNoName) {
  const TemporaryFolder folder;
  write_zip(folder / "a.npz", {{"notes.txt", "text"}, {"a.npy", kThree}});
  EXPECT_EQ(Npz(folder / "a.npz").names(), std::vector<std::string>{"a"});
  expect_input_error([&] { Npz(folder / "a.npz").stored("notes"); }, "has no array \"notes\"");
}

TEST(Npz, AnArrayCanBeReadAgainAndFromItsMiddle) {
  const TemporaryFolder folder;
  write_zip(folder / "a.npz", {{"a.npy", kThree}}, true);
  const StoredArray stored = Npz(folder / "a.npz").stored("a");
  for (int time = 0; time < 2; ++time)
    EXPECT_EQ(stored.narrowed(0, 1, 2).array().as<float>("a"), (std::vector<float>{-2, 0.5F}));
}

TEST(Npz, WhatIsNoArchive) {
  const TemporaryFolder folder;
  write_bytes(folder / "a.npz", "PK garbage");
  expect_input_error([&] { Npz{folder / "a.npz"}; }, "is not an .npz archive");
  write_bytes(folder / "a.npz", "");
  expect_input_error([&] { Npz{folder / "a.npz"}; }, "is not an .npz archive");
  expect_input_error([&] { Npz{folder / "none.npz"}; }, "No such file");
  expect_input_error([&] { Npz{folder.path()}; }, "a folder");
}

TEST(Npz, DamagedDataFailsItsChecksum) {
  const TemporaryFolder folder;
  write_zip(folder / "a.npz", {{"a.npy", kThree}});
  std::string bytes = read_bytes(folder / "a.npz");
  const size_t at = bytes.find(raw<float>({1, -2}));
  ASSERT_NE(at, std::string::npos);
  bytes[at] ^= 1;
  write_bytes(folder / "a.npz", bytes);
  expect_input_error([&] { Npz(folder / "a.npz").stored("a").array(); }, "CRC");
}

/// 80 MB of zeros pack to 80 kB.
TEST(Npz, ABombIsRefusedBeforeMemoryIsAskedFor) {
  const TemporaryFolder folder;
  constexpr int64_t kFloats = 20'000'000;
  write_zip(folder / "a.npz",
            {{"a.npy", npy_bytes("<f4", "(" + std::to_string(kFloats) + ",)",
                                 std::string(kFloats * sizeof(float), '\0'))}},
            true);
  expect_input_error([&] { Npz(folder / "a.npz").stored("a"); }, "as no tensor does");
}

TEST(Npz, EveryDamageIsReadOrRefused) {
  const TemporaryFolder folder;
  for (const bool deflated : {false, true}) {
    write_zip(folder / "a.npz", {{"a.npy", kThree}}, deflated);
    const std::string valid = read_bytes(folder / "a.npz");
    EXPECT_GT(expect_read_or_refused(valid, folder / "b.npz",
                                     [](const auto& path) {
                                       const Npz npz(path);
                                       for (const std::string& name : npz.names())
                                         npz.stored(name).array();
                                     }),
              100);
  }
}

}  // namespace
}  // namespace vidattn
