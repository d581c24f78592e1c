#include "harness/workloads/video/video.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "attention/error.h"
#include "harness/workloads/film/film.h"
#include "harness/workloads/media/video_reader.h"
#include "harness/workloads/video/video_workload.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

class Video : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(::testing::TempDir()) /
        (std::string("vidattn_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  static std::string read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The message of the InputError that reading the file as a workload gives.
  static std::string error_of(WorkloadRequest request) {
    try {
      video_workload(request);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }
  static std::string error_of(const std::string& file) {
    return error_of(WorkloadRequest{.spec = "video:" + file});
  }
  static FilmSpec spec(int64_t frames = 60) {
    return {.frames = frames, .height = 96, .width = 150, .shots = {0, 24}};
  }

  fs::path folder_;
};

TEST_F(Video, AWrittenFilmReadsBack) {
  for (const std::string& name : {std::string("film.avi"), std::string("film.mp4")}) {
    double done = 0;
    EXPECT_TRUE(write_film(spec(), path(name), [&](double share) { return (done = share) > 0; }));
    EXPECT_EQ(done, 1);
    const VideoSurvey survey = survey_video(path(name));
    EXPECT_EQ(survey.frames, 60) << name;
    EXPECT_EQ(survey.height, 96) << name;
    EXPECT_EQ(survey.width, 150) << name;
    EXPECT_DOUBLE_EQ(survey.fps, 16) << name;
    EXPECT_EQ(survey.shots, (std::vector<int64_t>{0, 24})) << name;
    VideoReader reader(path(name));
    ASSERT_TRUE(reader.skip());
    const cv::Mat truth = Film(spec()).frame(1), frame = reader.next();
    EXPECT_LT(cv::norm(truth, frame, cv::NORM_L1) / static_cast<double>(truth.total() * 3), 8)
        << name;
  }
}

TEST_F(Video, BecomesAWorkload) {
  write_film(spec(), path("film.avi"));
  WorkloadRequest request{.spec = "video:" + path("film.avi"), .heads = 1, .dim = 32};
  double done = 0;
  request.progress = [&](double share) {
    EXPECT_GE(share, done);
    done = share;
  };
  const Workload w = video_workload(request);
  EXPECT_EQ(done, 1);
  w.inputs.validate();
  EXPECT_EQ(w.name, request.spec);
  // 60 frames fill 15 latent frames; 96x150 pixels become 6x9 tokens.
  EXPECT_EQ(w.inputs.grid.frames, 15);
  EXPECT_EQ(w.inputs.grid.height, 6);
  EXPECT_EQ(w.inputs.grid.width, 9);
  EXPECT_EQ(w.inputs.grid.shots, (std::vector<int64_t>{0, 7}));  // frames 25-28 are latent frame 7
  EXPECT_EQ(w.inputs.need("hidden", "test").shape, (std::vector<int64_t>{15 * 6 * 9, 128}));
  EXPECT_EQ(w.provenance["stride"], 1);
  EXPECT_NEAR(w.provenance["qkv"]["peak"], 0.8, 1e-3);
}

TEST_F(Video, SamplesTheWholeFileWhenFewerFramesAreAsked) {
  write_film(spec(), path("film.avi"));
  const Workload w = video_workload({.spec = "video:" + path("film.avi"),
                                     .frames = 5,
                                     .height = 4,
                                     .width = 6,
                                     .heads = 1,
                                     .dim = 32});
  EXPECT_EQ(w.inputs.length(), 5 * 4 * 6);
  EXPECT_DOUBLE_EQ(w.provenance["stride"], 59.0 / 16);
  // The cut at frame 24 is sampled frame 7, so latent frame 2 (5 to 8) is a tie: it starts at 3.
  EXPECT_EQ(w.inputs.grid.shots, (std::vector<int64_t>{0, 3}));
}

TEST(SampleFrames, AscendToTheLastFrame) {
  for (const int64_t available : {81, 82, 84, 85, 100, 720, 100001}) {
    const FrameSampling s = sample_frames(available, 81);
    EXPECT_EQ(s.frame(0), 0);
    for (int64_t i = 1; i < 81; ++i) EXPECT_GT(s.frame(i), s.frame(i - 1));
    EXPECT_EQ(s.frame(80), available <= 84 ? 80 : available - 1);
  }
  EXPECT_EQ(sample_frames(500, 1).frame(0), 0);
}

TEST_F(Video, SaysWhatIsWrongWithAFile) {
  fs::create_directories(folder_ / "dir.mp4");
  std::string text;
  for (int i = 0; i < 300; ++i) text += "a line of text\n";
  EXPECT_EQ(error_of(""), "video: no file given, write video:PATH");
  EXPECT_EQ(error_of(path("none.mp4")), "video '" + path("none.mp4") + "' does not exist");
  EXPECT_EQ(error_of(path("dir.mp4")), "folder \"" + path("dir.mp4") +
                                           "\" holds no frames (png, jpg …) and no videos (mp4 …)");
  EXPECT_EQ(error_of("/dev/null"), "video '/dev/null' is not a regular file");
  EXPECT_EQ(error_of(write("empty.mp4", "")),
            "video '" + path("empty.mp4") + "' is empty (0 bytes)");
  EXPECT_EQ(error_of(write("text.mp4", text)),
            "video '" + path("text.mp4") + "' is a text file, not a video");
  std::string noise(50000, 'x');
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(i * i * 2654435761u >> 13);
  EXPECT_NE(error_of(write("noise.mp4", noise)).find("cannot be opened"), std::string::npos);
}

TEST_F(Video, ACutOffFileIsReadAsFarAsItGoes) {
  write_film(spec(), path("film.mp4"));
  write_film(spec(), path("film.avi"));
  const std::string mp4 = read(path("film.mp4")), avi = read(path("film.avi"));
  EXPECT_NE(error_of(write("cut.mp4", mp4.substr(0, mp4.size() / 2))).find("cannot be opened"),
            std::string::npos);
  const VideoSurvey cut = survey_video(write("cut.avi", avi.substr(0, avi.size() / 2)));
  EXPECT_EQ(cut.frames_promised, 60);
  EXPECT_GT(cut.frames, 20);
  EXPECT_LT(cut.frames, 40);
  ASSERT_FALSE(cut.notes.empty());
  EXPECT_NE(cut.notes[0].find("its header promises 60 frames, " + std::to_string(cut.frames)),
            std::string::npos)
      << cut.notes[0];
}

TEST_F(Video, TooFewFramesNamesBothNumbers) {
  write_film(spec(), path("film.avi"));
  EXPECT_EQ(error_of(WorkloadRequest{.spec = "video:" + path("film.avi"), .frames = 21}),
            "video '" + path("film.avi") + "' has 60 frames, 21 latent frames need 81");
}

TEST_F(Video, RequestsAreCheckedBeforeTheFile) {
  const std::string spec = "video:" + path("none.mp4");
  EXPECT_NE(error_of(WorkloadRequest{.spec = spec, .dim = 12}).find("dim 12"), std::string::npos);
  EXPECT_NE(error_of(WorkloadRequest{.spec = spec, .heads = 0}).find("heads 0"), std::string::npos);
  EXPECT_NE(error_of(WorkloadRequest{.spec = spec, .peak = 1.5}).find("peak 1.5"),
            std::string::npos);
  EXPECT_NE(error_of(WorkloadRequest{.spec = spec, .frames = -1}).find("frames -1"),
            std::string::npos);
  EXPECT_NE(error_of(WorkloadRequest{.spec = spec, .width = 5000}).find("width 5000"),
            std::string::npos);
}

}  // namespace
}  // namespace vidattn
