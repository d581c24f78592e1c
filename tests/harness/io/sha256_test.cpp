#include "harness/io/sha256.h"

#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

// FIPS 180-4 example values.
TEST(Sha256, KnownValues) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, FileIsReadInPieces) {
  const testing::TemporaryFolder folder;
  constexpr size_t kPiece = size_t{1} << 20;
  for (size_t size : {size_t{0}, size_t{1}, kPiece - 1, kPiece, kPiece + 1, 3 * kPiece + 5}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
    testing::write_bytes(folder / "f", bytes);
    EXPECT_EQ(sha256_file(folder / "f"), sha256(bytes)) << size;
  }
}

TEST(Sha256, UnreadableFiles) {
  const testing::TemporaryFolder folder;
  expect_input_error([&] { sha256_file(folder / "none"); }, "No such file");
  expect_input_error([&] { sha256_file(folder.path()); }, "it is a folder");
  expect_input_error([&] { sha256_file("/dev/zero"); }, "a special file");
}

}  // namespace
}  // namespace vidattn
