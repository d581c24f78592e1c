#include "harness/workloads/media/video_reader.h"

#include <gtest/gtest.h>

extern "C" {
#include <libavutil/mem.h>
}

#include <limits>
#include <new>
#include <opencv2/imgproc.hpp>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/workloads/video/video.h"
#include "tests/harness/ffmpeg.h"
#include "tests/harness/videos.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::ffmpeg;
using testing::grey;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_frames;

std::vector<cv::Mat> frames_of(const std::string& path) {
  VideoReader reader(path);
  std::vector<cv::Mat> frames;
  for (cv::Mat frame = reader.next(); !frame.empty(); frame = reader.next())
    frames.push_back(frame);
  return frames;
}

double largest_difference(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() ? cv::norm(a, b, cv::NORM_INF) : 255;
}

/// Four strong colours, each wide enough that the middle of its patch is not blended.
cv::Mat colours(int width = 64, int height = 64) {
  cv::Mat picture(height, width, CV_8UC3);
  const cv::Scalar patches[] = {{30, 40, 220}, {40, 200, 30}, {210, 60, 20}, {60, 180, 200}};
  for (int i = 0; i < 4; ++i)
    picture({i % 2 * width / 2, i / 2 * height / 2, width / 2, height / 2}) = patches[i];
  return picture;
}

/// Largest difference in the middle of the patches.
double colour_error(const cv::Mat& seen, const cv::Mat& truth) {
  double error = 0;
  for (int i = 0; i < 4; ++i) {
    const int x = (2 * (i % 2) + 1) * truth.cols / 4, y = (2 * (i / 2) + 1) * truth.rows / 4;
    for (int c = 0; c < 3; ++c)
      error = std::max<double>(
          error, std::abs(seen.at<cv::Vec3b>(y, x)[c] - truth.at<cv::Vec3b>(y, x)[c]));
  }
  return error;
}

bool has_note(const std::vector<std::string>& notes, const std::string& part) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

class VideoKinds : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// 48 frames of 24 per second that all differ, of 96x64 pixels.
  std::string source() const {
    std::string name = path("source.mp4");
    ffmpeg("-f lavfi -i testsrc2=s=96x64:r=24:d=2 -c:v libx264 -g 48 -pix_fmt yuv420p " + name);
    return name;
  }
  /// A lossless video of the picture, made with these arguments between input and output.
  std::string video_of(const cv::Mat& picture, const std::string& arguments) const {
    testing::write_picture(folder_ / "in.png", picture);
    ffmpeg("-i " + path("in.png") + " " + arguments + " -c:v ffv1 " + path("v.mkv"));
    return path("v.mkv");
  }

  TemporaryFolder folder_;
};

TEST_F(VideoKinds, PhoneVideosAreTurnedAsTheyAsk) {
  const std::string upright = source();
  const cv::Mat frame = frames_of(upright).at(0);
  // The program counts degrees against the clock.
  const std::pair<int, int> turns[] = {
      {90, cv::ROTATE_90_COUNTERCLOCKWISE}, {180, cv::ROTATE_180}, {270, cv::ROTATE_90_CLOCKWISE}};
  for (const auto& [degrees, code] : turns) {
    ffmpeg("-i " + upright + " -c copy -metadata:s:v rotate=" + std::to_string(degrees) + " " +
           path("turned.mp4"));
    cv::Mat expected;
    cv::rotate(frame, expected, code);
    EXPECT_EQ(largest_difference(frames_of(path("turned.mp4")).at(0), expected), 0) << degrees;
  }
}

TEST_F(VideoKinds, OfATurnInBetweenTheNearestIsTakenAndSaid) {
  std::string bytes = testing::read_bytes(source());
  constexpr size_t kMatrixInHeader = 44;
  const size_t matrix = bytes.find("tkhd") + kMatrixInHeader;
  ASSERT_LT(matrix, bytes.size());
  for (const size_t entry : {0, 1, 3, 4})  // 16.16 numbers: 0.5, 0.5, -0.5, 0.5
    bytes.replace(matrix + 4 * entry, 4,
                  std::string(entry == 3 ? "\xff\xff\x80\0" : "\0\0\x80\0", 4));
  write_bytes(path("tilted.mp4"), bytes);
  const VideoSurvey survey = survey_video(path("tilted.mp4"));
  EXPECT_EQ(survey.width, 96);
  EXPECT_TRUE(has_note(survey.notes, "turns by 45 degrees"));
}

TEST_F(VideoKinds, ColoursAreOfTheMatrixRangeAndDepthThatTheStreamStates) {
  for (const char* matrix : {"bt709", "smpte170m", "bt2020nc", "smpte240m"})
    for (const char* range : {"tv", "pc"})
      for (const char* format : {"yuv444p", "yuv420p", "yuv420p10le", "yuv422p12le"}) {
        const std::string of_scale = std::string(matrix) == "bt2020nc" ? "bt2020" : matrix;
        const std::string video =
            video_of(colours(), std::string("-vf scale=out_color_matrix=") + of_scale +
                                    ":out_range=" + range + ",format=" + format + " -colorspace " +
                                    matrix + " -color_range " + range);
        EXPECT_LE(colour_error(frames_of(video).at(0), colours()), 4)
            << matrix << " " << range << " " << format;
      }
}

TEST_F(VideoKinds, WhereNothingIsStatedTheSizeDecidesTheMatrix) {
  const struct {
    int width, height;
    const char* matrix;
  } sizes[] = {{720, 576, "bt601"}, {1280, 720, "bt709"}};
  for (const auto& size : sizes) {
    const cv::Mat truth = colours(size.width, size.height);
    const std::string video =
        video_of(truth, std::string("-vf scale=out_color_matrix=") + size.matrix +
                            ":out_range=tv,format=yuv420p,setparams=colorspace=unknown");
    EXPECT_LE(colour_error(frames_of(video).at(0), truth), 4) << size.matrix;
  }
}

TEST_F(VideoKinds, AHeaderThatClaimsMoreMemoryThanThereIsIsNamed) {
  std::string bytes = testing::read_bytes(source());
  const size_t keyframes = bytes.find("stss");
  ASSERT_NE(keyframes, std::string::npos);
  bytes[keyframes + 8] = 0x30;  // of 800 million entries
  testing::write_bytes(path("claims.mp4"), bytes);
  expect_input_error([&] { VideoReader reader(path("claims.mp4")); }, "damaged");
}

TEST_F(VideoKinds, ASizeThatOnlyDamageExplainsIsNoLackOfMemory) {
  const VideoSurvey survey = survey_video(VIDATTN_SOURCE_DIR "/tests/fuzz/seeds/damaged.mp4");
  EXPECT_EQ(survey.frames, 1);
  EXPECT_TRUE(has_note(survey.notes, "damaged in"));
}

TEST_F(VideoKinds, ADamagedStreamWithoutAContainerIsReadAsFarAsItGoes) {
  const VideoSurvey survey = survey_video(VIDATTN_SOURCE_DIR "/tests/fuzz/seeds/damaged.m4v");
  EXPECT_EQ(survey.frames, 4);
  EXPECT_TRUE(has_note(survey.notes, "damaged in"));
}

TEST_F(VideoKinds, WithoutTheMemoryThatAnHonestFileMayNeedDamageIsNotClaimed) {
  av_max_alloc(size_t{1} << 29);
  EXPECT_THROW(survey_video(VIDATTN_SOURCE_DIR "/tests/fuzz/seeds/damaged.mp4"), std::bad_alloc);
  av_max_alloc(std::numeric_limits<int>::max());
}

TEST_F(VideoKinds, AnInterruptEndsTheReadingAtTheNextFrame) {
  VideoReader reader(source());
  EXPECT_FALSE(reader.next().empty());
  runs_cancelled = true;
  EXPECT_THROW(reader.next(), Cancelled);
  EXPECT_THROW(reader.skip(), Cancelled);
  EXPECT_THROW(VideoReader(path("source.mp4")), Cancelled);
  runs_cancelled = false;
  EXPECT_TRUE(reader.skip());
}

TEST_F(VideoKinds, HdrIsRefusedInOneLine) {
  for (const auto& [transfer, name] : {std::pair("smpte2084", "PQ"), {"arib-std-b67", "HLG"}}) {
    const std::string video = video_of(
        colours(), std::string("-pix_fmt yuv420p10le -colorspace bt2020nc -color_primaries "
                               "bt2020 -color_trc ") +
                       transfer);
    expect_input_error([&] { VideoReader reader(video); }, std::string("is HDR (") + name + ")");
  }
}

TEST_F(VideoKinds, TransparentOnesAreComposedOnBlackAndSaySo) {
  cv::Mat half(64, 64, CV_8UC3, cv::Scalar(200, 100, 50));
  const std::string video =
      video_of(half, "-vf format=rgba,colorchannelmixer=aa=0.5 -pix_fmt bgra");
  VideoReader reader(video);
  const cv::Vec3b seen = reader.next().at<cv::Vec3b>(32, 32);
  EXPECT_NEAR(seen[0], 100, 1);
  EXPECT_NEAR(seen[1], 50, 1);
  EXPECT_NEAR(seen[2], 25, 1);
  EXPECT_TRUE(has_note(reader.notes(), "composed on black"));
  VideoReader opaque(video_of(half, "-pix_fmt bgra"));
  opaque.next();
  EXPECT_TRUE(opaque.notes().empty());
}

TEST_F(VideoKinds, FramesThatAreLeftOutAreNotMissed) {
  ffmpeg("-i " + source() + " -c:v libx264 -g 4 " + path("keys.mp4"));
  VideoReader reader(path("keys.mp4"), 1, 0);
  int64_t frames = 0;
  while (!reader.next().empty()) ++frames;
  EXPECT_GT(frames, 1);
  EXPECT_LT(frames, survey_video(path("keys.mp4")).frames);
  EXPECT_FALSE(has_note(reader.notes(), "promises"));
}

TEST_F(VideoKinds, FramesThatAnEditListLeavesOutAreNotPromised) {
  ffmpeg("-ss 1.02 -i " + source() + " -t 0.5 -c copy " + path("cut.mp4"));
  const VideoSurvey survey = survey_video(path("cut.mp4"));
  EXPECT_GT(survey.frames, 8);
  EXPECT_LT(survey.frames, 16);
  EXPECT_EQ(survey.frames_promised, survey.frames);
  EXPECT_FALSE(has_note(survey.notes, "promises")) << survey.notes.at(0);
}

TEST_F(VideoKinds, VariableRatesHaveTheirTrueTimes) {
  ffmpeg("-i " + source() + " -vf \"select='lt(mod(n,12),6)'\" -vsync vfr " + path("vfr.mkv"));
  const VideoSurvey survey = survey_video(path("vfr.mkv"));
  ASSERT_EQ(survey.frames, 24);
  ASSERT_EQ(survey.times.size(), 25U);
  EXPECT_NEAR(survey.times[5], 5 / 24.0, 2e-3);
  EXPECT_NEAR(survey.times[6], 12 / 24.0, 2e-3);
  EXPECT_NEAR(survey.times[23], 41 / 24.0, 2e-3);
  EXPECT_TRUE(has_note(survey.notes, "variable frame rate"));
  EXPECT_EQ(survey.frames_promised, 0);
  const VideoSurvey even = survey_video(source());
  EXPECT_NEAR(even.times.back(), 2, 1e-6);
  EXPECT_TRUE(even.notes.empty());
}

TEST_F(VideoKinds, NamesAreOfAnyBytes) {
  const std::string made = source();
  for (const std::string name : {"2025-03-01T10:42:05.mp4", "http:", "file:x.mp4", "%03d.mp4",
                                 "a\nb.mp4", "\xff\xfe.mp4", "?*[x]{y}.mp4", "-i"}) {
    std::filesystem::copy_file(made, folder_ / name);
    EXPECT_EQ(frames_of(path(name)).size(), 48U) << name;
  }
}

TEST_F(VideoKinds, ContainersOfAllKindsAreRead) {
  const std::string made = source();
  for (const std::string name : {"a.y4m", "a.ts", "a.webm", "a.avi", "a.flv", "a.mov", "a.gif",
                                 "a.mpg", "a.nut", "a.ogv", "a.wmv"}) {
    ffmpeg("-i " + made + " " + path(name));
    EXPECT_NEAR(static_cast<double>(frames_of(path(name)).size()), 48, 1) << name;
  }
  // What comes first in it is text.
  write_bytes(folder_ / "grey.y4m",
              "YUV4MPEG2 W64 H48 F24:1 C420jpeg\nFRAME\n" + std::string(64 * 48 * 3 / 2, 'a'));
  EXPECT_EQ(frames_of(path("grey.y4m")).size(), 1U);
}

TEST_F(VideoKinds, SoundMayBeLongerAndSoundAloneIsNoVideo) {
  const std::string sound = " -f lavfi -i sine=d=6 ", made = source();
  for (const char* name : {"long.mp4", "long.mkv"}) {
    ffmpeg("-i " + made + sound + "-c:v copy " + path(name));
    const VideoSurvey survey = survey_video(path(name));
    EXPECT_EQ(survey.frames, 48) << name;
    EXPECT_TRUE(survey.notes.empty()) << name << survey.notes.at(0);
  }
  ffmpeg(sound + path("sound.mp4"));
  expect_input_error([&] { VideoReader reader(path("sound.mp4")); }, "holds no video, only sound");
  testing::write_picture(folder_ / "cover.png", grey(9));
  ffmpeg(sound + "-i " + path("cover.png") + " -map 0 -map 1 -disposition:v attached_pic " +
         path("cover.mp3"));
  expect_input_error([&] { VideoReader reader(path("cover.mp3")); }, "holds no video, only sound");
}

TEST_F(VideoKinds, CutOffOnesAreReadAndSayWhatWasPromised) {
  const std::string made = source();
  ffmpeg("-i " + made + " -c copy -movflags +faststart " + path("a.mp4"));
  ffmpeg("-i " + made + " -c copy -cluster_time_limit 200 " + path("a.mkv"));
  for (const std::string ending : {"mp4", "mkv"}) {
    const std::string bytes = read_bytes(folder_ / ("a." + ending));
    write_bytes(folder_ / ("cut." + ending), bytes.substr(0, bytes.size() * 7 / 10));
    const VideoSurvey survey = survey_video(path("cut." + ending));
    EXPECT_EQ(survey.frames_promised, 48) << ending;
    EXPECT_LT(survey.frames, 46) << ending;
    EXPECT_TRUE(has_note(survey.notes, "48 frames")) << ending;
  }
}

TEST_F(VideoKinds, AY4mFileThatEndsInsideAFrameSaysSo) {
  const std::string frame = "FRAME\n" + std::string(64 * 48 * 3 / 2, '\x80');
  const std::string whole = "YUV4MPEG2 W64 H48 F24:1 C420jpeg\n" + frame + frame + frame;
  write_bytes(path("whole.y4m"), whole);
  EXPECT_TRUE(survey_video(path("whole.y4m")).notes.empty());
  for (const size_t missing : {size_t{1}, frame.size() / 2, frame.size() - 3}) {
    write_bytes(path("cut.y4m"), whole.substr(0, whole.size() - missing));
    const VideoSurvey survey = survey_video(path("cut.y4m"));
    EXPECT_EQ(survey.frames, 2);
    EXPECT_TRUE(has_note(survey.notes, "ends inside a frame, 2 frames before it")) << missing;
  }
}

TEST_F(VideoKinds, InterlacedOnesSaySo) {
  ffmpeg("-i " + source() + " -c:v mpeg2video -flags +ildct+ilme -top 1 " + path("fields.mpg"));
  VideoReader reader(path("fields.mpg"));
  while (reader.skip()) {
  }
  EXPECT_TRUE(has_note(reader.notes(), "of different times in 48 frames, which"));
  VideoReader one(path("fields.mpg"));
  one.skip();
  EXPECT_TRUE(has_note(one.notes(), "of different times in 1 frame, which"));
}

TEST_F(VideoKinds, PixelsAreTurnedWithThePicture) {
  ffmpeg("-i " + source() + " -vf setsar=4/3 -c:v mpeg4 " + path("wide.mp4"));
  ffmpeg("-i " + path("wide.mp4") + " -c copy -metadata:s:v rotate=90 " + path("turned.mp4"));
  VideoReader wide(path("wide.mp4")), turned(path("turned.mp4")), plain(source());
  const cv::Mat picture = wide.next();
  EXPECT_EQ(wide.pixel_aspect(), (PixelAspect{4, 3}));
  EXPECT_EQ(turned.next().size(), cv::Size(picture.rows, picture.cols));
  EXPECT_EQ(turned.pixel_aspect(), (PixelAspect{3, 4}));
  plain.skip();
  EXPECT_TRUE(plain.pixel_aspect().square());
  EXPECT_EQ(with_square_pixels(picture, {4, 3}).size(),
            cv::Size(picture.cols, cvRound(picture.rows * 0.75)));
  EXPECT_EQ(with_square_pixels(picture, {1, 2}).size(), cv::Size(picture.cols / 2, picture.rows));
  EXPECT_EQ(with_square_pixels(picture, {1, 1}).data, picture.data);
}

/// A list that names a good video beside it must not make it be read.
TEST_F(VideoKinds, ListsOfOtherFilesAreRefused) {
  const std::string made = source(), binary = "\n# \xc3\xa9\x01\xff\n";
  const std::pair<const char*, std::string> lists[] = {
      {"concat", "ffconcat version 1.0\nfile 'source.mp4'\n"},
      {"hls", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsource.mp4\n#EXT-X-ENDLIST\n"},
      {"dash", "<?xml version=\"1.0\"?><MPD><Period><AdaptationSet><Representation><BaseURL>" +
                   made + "</BaseURL></Representation></AdaptationSet></Period></MPD>"},
      {"sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"}};
  for (const auto& [name, text] : lists) {
    write_bytes(folder_ / "plain.mp4", text);
    expect_input_error([&] { VideoReader reader(path("plain.mp4")); }, "is a text file");
    write_bytes(folder_ / "bytes.mp4", text + binary);  // no longer seen as text
    EXPECT_THROW(VideoReader(path("bytes.mp4")), InputError) << name;
  }
}

}  // namespace
}  // namespace vidattn
