#include "harness/io/npy.h"
#include "tests/harness/files.h"
#include "tests/harness/numpy.h"

namespace vidattn {
namespace {

using testing::npy_bytes;
using testing::raw;
using testing::TemporaryFolder;
using testing::write_bytes;

Array read_form(const TemporaryFolder& folder, const std::string& bytes) {
  write_bytes(folder / "a.npy", bytes);
  return read_npy(folder / "a.npy");
}

TEST(NpyForms, FortranOrderIsTurned) {
  const TemporaryFolder folder;
  const Array a =
      read_form(folder, npy_bytes("<f4", "(2, 3)", raw<float>({0, 3, 1, 4, 2, 5}), "True"));
  EXPECT_EQ(a.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(a.as<float>("a"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  // Sizes whose product only a zero keeps small.
  EXPECT_TRUE(read_form(folder, npy_bytes("<f4", "(0, 4294967296, 4294967296)", "", "True"))
                  .as<float>("a")
                  .empty());
}

TEST(NpyForms, BigEndianIsTurned) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_form(folder, npy_bytes(">f2", "(2,)", std::string("\x3e\x00\xc0\x00", 4)))
                .as<float>("a"),
            (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(read_form(folder, npy_bytes(">i4", "(1,)", std::string("\x00\x00\x01\x02", 4)))
                .as<int32_t>("a"),
            std::vector<int32_t>{258});
  EXPECT_EQ(read_form(folder, npy_bytes(">f8", "(1,)", std::string("\xc0\0\0\0\0\0\0\0", 8)))
                .as<float>("a"),
            std::vector<float>{-2});
}

TEST(NpyForms, LongIntegersOfPython2) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_form(folder, npy_bytes("<f4", "(1L, 2L)", raw<float>({1, 2}))).shape,
            (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(read_form(folder, npy_bytes("<f4", "(2L,)", raw<float>({1, 2}))).shape,
            std::vector<int64_t>{2});
}

TEST(NpyForms, BFloat16ThatTheHeaderNames) {
  const TemporaryFolder folder;
  const std::string data = raw<uint16_t>({0x3f80, 0xc000});
  std::string named = npy_bytes("bfloat16", "(2,)", data);
  EXPECT_EQ(read_form(folder, named).as<float>("a"), (std::vector<float>{1, -2}));
  named = npy_bytes("[('bfloat16', '<u2')]", "(2,)", data);
  named.erase(named.find("'[("), 1);
  named.erase(named.find(")]'") + 2, 1);
  named[8] = static_cast<char>(named[8] - 2);
  write_bytes(folder / "b.npy", named);
  EXPECT_EQ(open_npy(folder / "b.npy").dtype, "<u2");
}

}  // namespace
}  // namespace vidattn
