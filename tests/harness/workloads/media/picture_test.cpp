#include "harness/workloads/media/picture.h"

#include <opencv2/imgproc.hpp>

#include "tests/harness/ffmpeg.h"
#include "tests/harness/videos.h"

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

TEST(Picture, CodingOneSaysNothingEither) {
  ::testing::internal::CaptureStderr();
  EXPECT_FALSE(jpeg_of(cv::Mat(48, 64, CV_8UC3, cv::Scalar(1, 2, 3))).empty());
  EXPECT_FALSE(png_of(cv::Mat(48, 64, CV_8UC3, cv::Scalar(1, 2, 3))).empty());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Picture, NothingIsSaidOnStderr) {
  const TemporaryFolder folder;
  write_bytes(folder / "a.png", "no picture");
  ::testing::internal::CaptureStderr();
  EXPECT_THROW(read_picture(folder / "a.png"), InputError);
  fprintf(stderr, "said");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "said");
}

/// Of 48 columns and 32 rows, with another colour in each quarter.
cv::Mat quarters() {
  cv::Mat picture(32, 48, CV_8UC3);
  picture({0, 0, 24, 16}) = cv::Scalar(30, 40, 220);
  picture({24, 0, 24, 16}) = cv::Scalar(40, 200, 30);
  picture({0, 16, 24, 16}) = cv::Scalar(210, 60, 20);
  picture({24, 16, 24, 16}) = cv::Scalar(60, 180, 200);
  return picture;
}

double difference(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() ? cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total() * 3)
                              : 255;
}

TEST(Picture, FilesOfAllKindsAreRead) {
  const TemporaryFolder folder;
  const cv::Mat truth = quarters();
  testing::write_picture(folder / "a.png", truth);
  EXPECT_EQ(difference(read_picture(folder / "a.png"), truth), 0);
  for (const char* name : {"b.bmp", "b.ppm", "b.tiff", "b.jpg", "b.png", "b.pam"}) {
    testing::ffmpeg("-i " + (folder / "a.png").string() + " " + (folder / name).string());
    EXPECT_LT(difference(read_picture(folder / name), truth), 4) << name;
  }
  testing::ffmpeg("-i " + (folder / "a.png").string() + " -lossless 1 " +
                  (folder / "b.webp").string());
  EXPECT_LT(difference(read_picture(folder / "b.webp"), truth), 4);
  testing::ffmpeg("-i " + (folder / "a.png").string() + " -pix_fmt rgb48be " +
                  (folder / "deep.png").string());
  EXPECT_LT(difference(read_picture(folder / "deep.png"), truth), 1);
}

TEST(Picture, GreyAndJpegComeBack) {
  const TemporaryFolder folder;
  cv::Mat grey(16, 33, CV_8UC1);
  for (int x = 0; x < grey.cols; ++x) grey.col(x) = 7 * x;
  testing::write_picture(folder / "grey.png", grey);
  cv::Mat bgr;
  cv::cvtColor(grey, bgr, cv::COLOR_GRAY2BGR);
  EXPECT_EQ(difference(read_picture(folder / "grey.png"), bgr), 0);
  cv::Mat large;
  cv::resize(quarters(), large, {1296, 864}, 0, 0, cv::INTER_NEAREST);
  for (const cv::Mat& picture : {quarters(), large}) {
    const std::vector<uint8_t> jpeg = jpeg_of(picture);
    write_bytes(folder / "a.jpg", {jpeg.begin(), jpeg.end()});
    EXPECT_LT(difference(read_picture(folder / "a.jpg"), picture), 4);
  }
}

/// Tag 0x0112 with the value 6: to be turned by a quarter clockwise.
std::string exif() {
  return {"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 26};
}

TEST(Picture, IsTurnedAsItsExifDataAsks) {
  const TemporaryFolder folder;
  cv::Mat turned;
  cv::rotate(quarters(), turned, cv::ROTATE_90_CLOCKWISE);
  const std::vector<uint8_t> jpeg = jpeg_of(quarters()), png = png_of(quarters());
  const std::string data = std::string("Exif\0\0", 6) + exif();
  const std::string size{'\0', static_cast<char>(data.size() + 2)};
  write_bytes(folder / "a.jpg",
              "\xff\xd8\xff\xe1" + size + data + std::string(jpeg.begin() + 2, jpeg.end()));
  EXPECT_LT(difference(read_picture(folder / "a.jpg"), turned), 4);
  constexpr int kBehindHeader = 33;
  const std::string chunk = std::string({'\0', '\0', '\0', static_cast<char>(exif().size())}) +
                            "eXIf" + exif() + std::string(4, '\0');
  write_bytes(folder / "a.png", std::string(png.begin(), png.begin() + kBehindHeader) + chunk +
                                    std::string(png.begin() + kBehindHeader, png.end()));
  EXPECT_EQ(difference(read_picture(folder / "a.png"), turned), 0);
}

TEST(Picture, TransparentOnesAreComposedOnBlack) {
  const TemporaryFolder folder;
  testing::write_picture(folder / "a.png", quarters());
  testing::ffmpeg("-i " + (folder / "a.png").string() +
                  " -vf format=rgba,colorchannelmixer=aa=0.5 " + (folder / "half.png").string());
  bool transparent = false;
  const cv::Mat seen = read_picture(folder / "half.png", &transparent);
  EXPECT_TRUE(transparent);
  EXPECT_LT(difference(seen, quarters() / 2), 2);
  read_picture(folder / "a.png", &transparent);
  EXPECT_FALSE(transparent);
}

}  // namespace
}  // namespace vidattn
