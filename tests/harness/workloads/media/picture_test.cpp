#include "harness/workloads/video/picture.h"

#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::TemporaryFolder;
using testing::write_bytes;

/// The file has a few bytes, the memory of its pixels would be gigabytes or none that exist.
TEST(Picture, OfAClaimedSizeIsRefusedInOneLine) {
  const TemporaryFolder folder;
  for (const char* size : {"20000 10000", "60000 60000", "2000000 3", "2000000000 2000000000"}) {
    write_bytes(folder / "a.ppm", std::string("P6\n") + size + "\n255\n" + std::string(100, 'a'));
    for (const char* line : {"shots ", "videodiff film "})
      expect_refused(line + folder.path().string(), "a.ppm\" cannot be read");
  }
}

TEST(Picture, ThatIsDamagedIsRefusedInOneLine) {
  // What the libraries below say of these stays off the terminal.
  for (const auto& [name, bytes] : std::vector<std::pair<std::string, std::string>>{
           {"a.png", "\x89PNG\r\n\x1a\n" + std::string(40, 'x')},
           {"a.jpg", "\xff\xd8\xff\xe0" + std::string(40, 'x')},
           {"a.tif", "II*" + std::string(40, '\0')},
           {"a.bmp", "BM" + std::string(80, 'x')},
           {"a.webp", "RIFF" + std::string(60, 'x')},
           {"a.ppm", "P6\n"}}) {
    const TemporaryFolder one;
    write_bytes(one / name, bytes);
    expect_refused("shots " + one.path().string(), name + "\" cannot be read");
  }
}

TEST(Picture, StderrIsBackAfterwards) {
  const TemporaryFolder folder;
  write_bytes(folder / "a.png", "no picture");
  ::testing::internal::CaptureStderr();
  EXPECT_THROW(read_picture(folder / "a.png"), InputError);
  fprintf(stderr, "said");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "said");
}

}  // namespace
}  // namespace vidattn
