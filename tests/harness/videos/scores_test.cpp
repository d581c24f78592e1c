#include "harness/videos/scores.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/videos/report.h"
#include "harness/workloads/film/film.h"
#include "tests/harness/videos.h"

namespace vidattn {
namespace {

using testing::grey;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_frames;

/// Counts frames and keeps the sum of level times position, so that order shows.
class Recorder : public VideoMetric {
 public:
  void add(const cv::Mat& frame, int shot) override {
    levels.push_back(static_cast<int>(cv::mean(frame)[0]));
    shots.push_back(shot);
  }
  std::vector<VideoScore> scores() const override { return {}; }
  std::vector<int> levels, shots;
};

class Frames : public FrameSource {
 public:
  explicit Frames(int count) : count_(count) {}
  cv::Mat next() override { return at_ < count_ ? grey(at_++) : cv::Mat(); }
  double fps() const override { return 24; }
  int64_t frames_promised() const override { return count_; }

 private:
  int count_, at_ = 0;
};

TEST(FeedMetrics, EveryMetricSeesEveryFrameInOrder) {
  for (const int count : {0, 1, 15, 16, 17, 100}) {
    std::vector<std::unique_ptr<VideoMetric>> metrics;
    for (int i = 0; i < 3; ++i) metrics.push_back(std::make_unique<Recorder>());
    Frames frames(count);
    int64_t seen = 0;
    EXPECT_TRUE(feed(frames, {0, 10, 40}, metrics, [&](int64_t done) { seen = done; }));
    EXPECT_EQ(seen, count);
    for (const auto& metric : metrics) {
      const auto& recorder = dynamic_cast<const Recorder&>(*metric);
      ASSERT_EQ(recorder.levels.size(), static_cast<size_t>(count));
      for (int i = 0; i < count; ++i) {
        EXPECT_EQ(recorder.levels[i], i);
        EXPECT_EQ(recorder.shots[i], i < 10 ? 0 : i < 40 ? 1 : 2);
      }
    }
  }
}

TEST(FeedMetrics, AnErrorInAMetricComesThrough) {
  class Failing : public Recorder {
    void add(const cv::Mat&, int) override { throw InputError("the model fails"); }
  };
  std::vector<std::unique_ptr<VideoMetric>> metrics;
  metrics.push_back(std::make_unique<Recorder>());
  metrics.push_back(std::make_unique<Failing>());
  Frames frames(40);
  testing::expect_input_error([&] { feed(frames, {0}, metrics); }, "the model fails");
}

VideoScore find(const VideoResult& result, const std::string& name) {
  for (const VideoScore& s : result.scores)
    if (s.name == name) return s;
  ADD_FAILURE() << "no score " << name;
  return {};
}

double score(const VideoResult& result, const std::string& name) {
  return find(result, name).value;
}

VideoResult measure(const VideoInput& input, const VideoMetricOptions& options = {}) {
  VideoResult result;
  EXPECT_TRUE(measure_video(input, options, result));
  return result;
}

TEST(VideoMetrics, OfAStillVideoAreOne) {
  const TemporaryFolder folder;
  const std::vector<cv::Mat> frames(20, Film({.frames = 1, .height = 96, .width = 160}).frame(0));
  const auto result = measure(find_videos({write_frames(folder / "still", frames)}, 24)[0]);
  for (const char* name : {"temporal_flickering", "subject_consistency.hsv_lbp_vlad",
                           "background_consistency.hsv_lbp_vlad", "long_range.hsv_lbp_vlad"})
    EXPECT_NEAR(score(result, name), 1, 1e-6) << name;
  EXPECT_TRUE(std::isnan(score(result, "cross_shot.hsv_lbp_vlad")));
}

TEST(VideoMetrics, OfOneCutFromRedToBlue) {
  const TemporaryFolder folder;
  std::vector<cv::Mat> frames(20, cv::Mat(48, 64, CV_8UC3, cv::Scalar(0, 0, 255)));
  frames.resize(40, cv::Mat(48, 64, CV_8UC3, cv::Scalar(255, 0, 0)));
  const auto result = measure(find_videos({write_frames(folder / "cut", frames)}, 24)[0]);
  EXPECT_EQ(result.survey.shots, (std::vector<int64_t>{0, 20}));
  EXPECT_EQ(result.shots_from, "content detector");
  // Two of three channels change by 255 in one of 39 pairs.
  EXPECT_NEAR(score(result, "temporal_flickering"), 1 - 2.0 / 3 / 39, 1e-12);
  // Flat colours share only their texture, 1/3. 19 frames score 1, one 1/3, 19 the mean of both.
  EXPECT_NEAR(score(result, "cross_shot.hsv_lbp_vlad"), 1.0 / 3, 1e-5);
  EXPECT_NEAR(score(result, "subject_consistency.hsv_lbp_vlad"), (19 + 1.0 / 3 + 19 * 2.0 / 3) / 39,
              1e-5);
}

TEST(VideoMetrics, GivenShotsReplaceThoseFound) {
  const TemporaryFolder folder;
  const auto input =
      find_videos({write_frames(folder / "frames", std::vector<cv::Mat>(10, grey(5)))}, 24)[0];
  const auto result = measure(input, {.shots = {0, 4}});
  EXPECT_EQ(result.survey.shots, (std::vector<int64_t>{0, 4}));
  EXPECT_NEAR(score(result, "cross_shot.hsv_lbp_vlad"), 1, 1e-6);
  EXPECT_NE(measure(input, {.shots = {0, 10}}).error, "");
  EXPECT_NE(measure(input, {.shots = {3}}).error, "");
}

TEST(VideoMetrics, AFilmsCharactersAreRecognizedAcrossShots) {
  const auto film = std::make_shared<const Film>(
      FilmSpec{.seed = 3, .frames = 40, .height = 160, .width = 240, .shots = {0, 10, 20, 30}});
  const auto result = measure({.path = "film", .film = film});
  EXPECT_EQ(result.shots_from, "the film");
  const VideoScore identity = find(result, "cross_shot.hsv_lbp_vlad.identity");
  EXPECT_GT(identity.value, identity.details.at("other_characters"));
}

TEST(VideoMetrics, ADamagedVideoIsAResultWithAnError) {
  const TemporaryFolder folder;
  write_bytes(folder / "noise.avi", std::string(5000, '\xff'));
  const auto result = measure({.path = (folder / "noise.avi").string()});
  EXPECT_NE(result.error.find("damaged"), std::string::npos) << result.error;
  EXPECT_TRUE(result.scores.empty());
}

TEST(MetricsReport, CorpusIsWeightedAndLeavesOutTheUndefined) {
  std::vector<VideoResult> results(4);
  results[0].scores = {{.name = "x", .value = 1, .weight = 3}};
  results[1].scores = {{.name = "x", .value = 0, .weight = 1}};
  results[2].scores = {{.name = "x", .note = "undefined: too short"}};
  results[3].error = "video 'd.mp4' is damaged";
  for (int i = 0; i < 4; ++i) results[i].path = std::string(1, static_cast<char>('a' + i)) + ".mp4";
  EXPECT_DOUBLE_EQ(corpus_mean(results, "x"), 0.75);
  EXPECT_TRUE(std::isnan(corpus_mean(results, "y")));
  const auto json = metrics_record(results, {}, {"vidattn", "metrics"});
  EXPECT_EQ(json["x"][0], 0.75);
  ASSERT_EQ(json["x"][1].size(), 2U);
  EXPECT_EQ(json["x"][1][0], (nlohmann::json{{"video_path", "a.mp4"}, {"video_results", 1.0}}));
  // VBench's scripts take element 0 of every key.
  for (const auto& [key, value] : json.items()) EXPECT_TRUE(value.is_array()) << key;
  const auto& ours = json["vidattn"][1];
  EXPECT_EQ(ours["videos"][3]["error"], "video 'd.mp4' is damaged");
  EXPECT_EQ(ours["videos"][2]["scores"]["x"]["protocol"], "undefined: too short");
  EXPECT_TRUE(ours.contains("environment"));
}

}  // namespace
}  // namespace vidattn
