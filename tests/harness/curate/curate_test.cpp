#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "harness/curate/output/manifest.h"
#include "harness/curate/text/line_reader.h"
#include "harness/io/json_file.h"
#include "harness/io/json_schema.h"
#include "harness/workloads/media/video_reader.h"
#include "tests/harness/curate/painted_videos.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::dissolved;
using testing::paint_logo;
using testing::paint_text;
using testing::painted;
using testing::PaintedScene;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_painted;

std::vector<json> lines_of(const fs::path& path) {
  std::vector<json> lines;
  std::istringstream stream(read_bytes(path));
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

/// Six shots: plain, with a subtitle, (dissolve) with a sign that moves, blurred, dark, plain; and
/// a logo in the corner of all. Frames 0, 36, 80 (dissolve of 8 before), 116, 146, 176 to 220.
std::vector<cv::Mat> film() {
  auto all = painted(PaintedScene(1), 36);
  const auto add = [&all](const std::vector<cv::Mat>& next, size_t overlap) {
    all = dissolved(std::move(all), next, overlap);
  };
  add(painted(PaintedScene(2), 48,
              [](cv::Mat& frame, int) {
                paint_text(frame, "where do we go now", {60, 168}, 0.6);
              }),
      0);
  add(painted(PaintedScene(3, {0, 1}), 40,
              [](cv::Mat& frame, int i) {
                paint_text(frame, "HOTEL", {40 + 3 * i, 70}, 0.8);
              }),
      8);
  add(painted(PaintedScene(4), 30,
              [](cv::Mat& frame, int) {
                cv::blur(frame, frame, {25, 25});
              }),
      0);
  add(painted(PaintedScene(5), 30, [](cv::Mat& frame, int) { frame *= 0.15; }), 0);
  add(painted(PaintedScene(6), 44), 0);
  for (cv::Mat& frame : all) paint_logo(frame);
  return all;
}

std::vector<cv::Mat> reduced(const std::vector<cv::Mat>& frames, cv::Size size) {
  std::vector<cv::Mat> all(frames.size());
  for (size_t i = 0; i < frames.size(); ++i)
    cv::resize(frames[i], all[i], size, 0, 0, cv::INTER_AREA);
  return all;
}

std::vector<cv::Mat> letterboxed(const std::vector<cv::Mat>& frames) {
  std::vector<cv::Mat> all;
  for (const cv::Mat& frame : frames) {
    all.push_back(frame.clone());
    all.back().rowRange(0, 20).setTo(cv::Scalar::all(0));
    all.back().rowRange(160, 180).setTo(cv::Scalar::all(0));
  }
  return all;
}

constexpr const char* kLimits = R"({"default": {"least_side": 180, "least_seconds": 5,
  "least_clip_seconds": 1, "video": {"sharpness": 60, "contrast": 0.03, "brisque": -100},
  "clip": {"sharpness": 240, "contrast": 0.02, "exposure_low": 0.12, "brisque": -100}},
  "sources": {"strict": {"least_seconds": 8}, "reduced": {"least_side": 120, "clip": {"sharpness": 150}}}})";

/// A folder of videos whose every decision is known, and what the tool made of it.
struct Curated {
  TemporaryFolder folder;
  ToolResult result;
  std::map<std::string, std::string> ids;  ///< by the name of the file
  std::map<std::string, json> videos;      ///< lines of decisions.jsonl by it
  std::map<std::string, std::vector<json>> clips;
  std::vector<json> manifest;

  Curated() {
    fs::create_directories(folder / "in/strict");
    fs::create_directories(folder / "in/reduced");
    write_painted(folder / "in/film.mp4", film());
    write_painted(folder / "in/bars.mp4", letterboxed(dissolved(painted(PaintedScene(7), 40),
                                                                painted(PaintedScene(8), 40), 0)));
    // The first shot of the film once more and smaller than its crop, with another behind it.
    write_painted(folder / "in/reduced/repeat.mp4",
                  reduced(dissolved(painted(PaintedScene(1), 36), painted(PaintedScene(9), 40), 0),
                          {224, 126}));
    write_painted(folder / "in/short.mp4", painted(PaintedScene(10), 30));
    write_painted(folder / "in/strict/seven_seconds.mp4", painted(PaintedScene(11, {1, 0}), 84));
    std::vector<cv::Mat> small;
    for (const cv::Mat& frame : painted(PaintedScene(12), 72))
      small.push_back(frame(cv::Rect(0, 0, 160, 120)));
    write_painted(folder / "in/small.mp4", small);
    write_bytes(folder / "in/text.mp4", "#EXTM3U\nhttp://127.0.0.1/x.ts\n");
    write_bytes(folder / "in/cut <script>.mp4", read_bytes(folder / "in/bars.mp4").substr(0, 2000));
    write_bytes(folder / "limits.json", kLimits);
    result = run("out", "--webdataset 1");
    for (const json& line : lines_of(folder / "out/decisions.jsonl")) {
      if (line["kind"] == "clip") {
        for (const auto& [name, id] : ids)
          if (id == line["video"].get<std::string>()) clips[name].push_back(line);
        continue;
      }
      const std::string name = fs::path(line["video_path"].get<std::string>()).filename();
      ids[name] = line["video"];
      videos[name] = line;
    }
    manifest = lines_of(folder / "out/manifest.jsonl");
  }

  std::string line(const std::string& out, const std::string& more) const {
    return "curate " + (folder / "in").string() + " --out " + (folder / out).string() +
           " --limits " + (folder / "limits.json").string() + " --quiet " + more;
  }
  ToolResult run(const std::string& out, const std::string& more = "") const {
    return run_tool(line(out, more));
  }
};

const Curated& curated() {
  static const Curated once;
  return once;
}

std::string reason_of(const json& clip) { return clip.value("reason", "kept"); }

TEST(Curate, VideosAreDroppedByTheRuleTheyBreakAndHostileOnesNamed) {
  const Curated& c = curated();
  EXPECT_EQ(c.result.exit_code, 3) << c.result.err;
  const auto verdict = [&](const char* name) {
    return c.videos.at(name)["verdict"].get<std::string>();
  };
  EXPECT_EQ(verdict("short.mp4"), "dropped: source.seconds 2.5, at least 5 (by the header)");
  EXPECT_EQ(verdict("seven_seconds.mp4"), "dropped: source.seconds 7, at least 8 (by the header)");
  EXPECT_EQ(verdict("small.mp4"), "dropped: source.side 120, at least 180");
  EXPECT_NE(verdict("text.mp4").find("text file"), std::string::npos) << verdict("text.mp4");
  EXPECT_TRUE(c.videos.at("cut <script>.mp4").contains("error"));
  for (const char* name : {"text.mp4", "cut <script>.mp4"})
    EXPECT_NE(c.result.err.find(name), std::string::npos) << c.result.err;
  EXPECT_EQ(std::count(c.result.err.begin(), c.result.err.end(), '\n'), 2) << c.result.err;
  for (const char* name : {"film.mp4", "bars.mp4", "repeat.mp4"})
    EXPECT_TRUE(c.videos.at(name)["kept"].get<bool>()) << verdict(name);
}

TEST(Curate, ShotsOfTheFilmAreFoundAndJudged) {
  const auto& clips = curated().clips.at("film.mp4");
  ASSERT_EQ(clips.size(), 6U);
  const int64_t first[] = {0, 36, 84, 116, 146, 176}, last[] = {35, 75, 115, 145, 175, 219};
  // The dissolve is found in windows of 24 frames, and two frames more are trimmed on either side.
  constexpr int64_t kTrimmed = 14;
  for (size_t i = 0; i < 6; ++i) {
    const int64_t begins = clips[i]["first"].get<int64_t>() - first[i];
    const int64_t ends = last[i] - clips[i]["last"].get<int64_t>();
    EXPECT_GE(begins, i == 2 ? 2 : 0) << i;
    EXPECT_LE(begins, i == 2 ? kTrimmed : 0) << i;
    EXPECT_GE(ends, i == 1 ? 2 : 0) << i;
    EXPECT_LE(ends, i == 1 ? kTrimmed : 0) << i;
  }
  EXPECT_EQ(clips[1]["begins_with"], "cut, clean");
  EXPECT_EQ(clips[2]["begins_with"], "gradual, overlapped");
  EXPECT_EQ(reason_of(clips[0]), "kept");
  EXPECT_EQ(reason_of(clips[1]), "kept");
  EXPECT_EQ(reason_of(clips[2]), "kept");
  EXPECT_EQ(reason_of(clips[3]).substr(0, 14), "clip.sharpness");
  EXPECT_EQ(clips[4]["kept"], false) << "dark, " << clips[4]["quality"];
  EXPECT_EQ(reason_of(clips[5]), "kept");
}

/// Box of the first mark of that kind.
cv::Rect mark_of(const json& clip, const std::string& kind, bool avoided) {
  for (const json& mark : clip["marks"])
    if (mark["kind"] == kind && mark["avoided"] == avoided)
      return {mark["box"][0], mark["box"][1], mark["box"][2], mark["box"][3]};
  return {};
}

cv::Rect crop_of(const json& clip) {
  return {clip["crop"][0], clip["crop"][1], clip["crop"][2], clip["crop"][3]};
}

TEST(Curate, CropsLeaveOutLogoAndSubtitleButNotTheSignThatMoves) {
  const auto& clips = curated().clips.at("film.mp4");
  const cv::Rect logo(13, 13, 23, 23), subtitle(64, 156, 180, 10);
  for (const json& clip : clips) {
    EXPECT_EQ((mark_of(clip, "logo", true) & logo), logo) << clip["marks"];
    EXPECT_TRUE((crop_of(clip) & logo).empty());
    const cv::Rect crop = crop_of(clip);
    EXPECT_NEAR(crop.width * 180.0 / 320, crop.height, 1.5);
  }
  EXPECT_GT(clips[0]["area"].get<double>(), 0.55);
  if (!ocr_available()) GTEST_SKIP() << "no Tesseract";
  EXPECT_GT((mark_of(clips[1], "subtitle", true) & subtitle).area(), 0.6 * subtitle.area())
      << clips[1]["marks"];
  EXPECT_TRUE((crop_of(clips[1]) & subtitle).empty());
  EXPECT_GE(clips[2]["area"], clips[0]["area"]) << clips[2]["marks"];
}

TEST(Curate, BarsAreCroppedAway) {
  const Curated& c = curated();
  const json& area = c.videos.at("bars.mp4")["found"]["area"];
  EXPECT_NEAR(area[1].get<int>(), 20, 1);
  EXPECT_NEAR(area[3].get<int>(), 140, 2);
  const cv::Rect crop = crop_of(c.clips.at("bars.mp4")[0]);
  EXPECT_GE(crop.y, 19);
  EXPECT_LE(crop.br().y, 161);
  EXPECT_GE(crop.height, 136);
}

TEST(Curate, ARepeatedShotIsDropped) {
  const Curated& c = curated();
  const auto& clips = c.clips.at("repeat.mp4");
  ASSERT_EQ(clips.size(), 2U);
  const std::string reason = reason_of(clips[0]);
  EXPECT_EQ(reason.substr(0, 14), "clip.duplicate") << reason;
  EXPECT_NE(reason.find("clip 0 of " + c.ids.at("film.mp4")), std::string::npos) << reason;
  EXPECT_EQ(reason_of(clips[1]), "kept");
}

TEST(Curate, SamplesHaveTheShotsAndFramesThatTheManifestSays) {
  const Curated& c = curated();
  std::map<std::string, std::vector<json>> by_video;
  for (const json& sample : c.manifest) {
    by_video[sample["video"]].push_back(sample);
    EXPECT_NO_THROW(check_schema(sample, manifest_schema()));
    VideoReader reader((c.folder / "out" / sample["file"].get<std::string>()).string());
    const cv::Mat frame = reader.next();
    EXPECT_EQ(frame.size(), cv::Size(sample["width"], sample["height"]));
    int64_t frames = 1;
    while (reader.skip()) ++frames;
    EXPECT_EQ(frames, sample["frames"]) << sample["id"];
    EXPECT_TRUE(fs::exists(c.folder / "out" / sample["sheet"].get<std::string>()));
  }
  const auto& of_film = by_video[c.ids.at("film.mp4")];
  ASSERT_EQ(of_film.size(), 2U) << "the blurred and dark shots part it";
  EXPECT_EQ(of_film[0]["shots"].size(), 3U);
  EXPECT_EQ(of_film[0]["shot_starts"][1], 36);
  EXPECT_EQ(of_film[0]["latent_shots"][1], 10) << "latent frame 9 is of frames 33 to 36";
  EXPECT_EQ(of_film[0]["written"], "encoded");
  EXPECT_EQ(of_film[0]["encoded_because"], "cropped");
  EXPECT_EQ(of_film[0]["shots"][0]["tags"]["camera"], "pans right");
  EXPECT_EQ(of_film[0]["shots"][0]["caption_from"], "measured");
}

TEST(Curate, FilesBesideTheManifestAreWhole) {
  const Curated& c = curated();
  const std::string page = read_bytes(c.folder / "out/index.html");
  EXPECT_EQ(page.find("<script"), std::string::npos) << "no script, and none of a file's name";
  EXPECT_NE(page.find("cut &lt;script&gt;.mp4"), std::string::npos);
  EXPECT_NE(page.find("clip.duplicate"), std::string::npos);
  const json summary = json::parse(read_bytes(c.folder / "out/summary.json"))["summary"];
  double all = summary["seconds_kept"].get<double>() + summary["seconds_trimmed"].get<double>();
  for (const auto& [rule, drop] : summary["dropped"].items()) all += drop["seconds"].get<double>();
  EXPECT_NEAR(all, summary["seconds_in"].get<double>(), 1e-6) << summary;
  EXPECT_EQ(summary["unreadable"], 2);
  const ToolResult tar = run_shell("cd " + (c.folder / "out/shards").string() +
                                   " && for t in *.tar; do tar tf $t; done");
  std::set<std::string> wanted, found;
  for (const json& sample : c.manifest)
    for (const char* ending : {".mp4", ".json", ".jpg"})
      wanted.insert(sample["id"].get<std::string>() + ending);
  std::istringstream names(tar.out);
  for (std::string name; std::getline(names, name);) found.insert(name);
  EXPECT_EQ(found, wanted);
}

TEST(Curate, TheSameCallAgainDoesNothingAnew) {
  const Curated& c = curated();
  const std::string before = read_bytes(c.folder / "out/manifest.jsonl");
  std::map<std::string, fs::file_time_type> times;
  const auto each = [&](auto look) {
    for (const char* folder : {"out/work", "out/samples", "out/pictures"})
      for (const auto& entry : fs::recursive_directory_iterator(c.folder / folder))
        if (entry.is_regular_file()) look(entry.path().string(), fs::last_write_time(entry));
  };
  each([&](const std::string& path, auto time) { times[path] = time; });
  EXPECT_EQ(c.run("out", "--webdataset 1").exit_code, 3);
  EXPECT_EQ(read_bytes(c.folder / "out/manifest.jsonl"), before);
  each([&](const std::string& path, auto time) { EXPECT_EQ(times.at(path), time) << path; });
  EXPECT_TRUE(fs::exists(c.folder / "out/shards/000000.tar"));
  EXPECT_EQ(c.run("out").exit_code, 3);
  EXPECT_FALSE(fs::exists(c.folder / "out/shards/000000.tar")) << "of another call";
}

TEST(Curate, BadInputIsOneLine) {
  const TemporaryFolder folder;
  const std::string out = " --out " + (folder / "out").string();
  fs::create_directory(folder / "empty");
  write_bytes(folder / "v.mp4", "x");
  const std::string video = (folder / "v.mp4").string();
  expect_refused("curate /no/such/folder" + out, "/no/such/folder");
  expect_refused("curate /dev/zero" + out, "expected a regular file");
  EXPECT_FALSE(fs::exists(folder / "out")) << "before any work";
  expect_refused("curate " + (folder / "empty").string() + out, "no videos");
  expect_refused("curate " + video, "--out");
  expect_refused("curate " + video + out + " --captioner 'true {frames}'", "{out}");
  fs::create_directories(folder / "full/other");
  expect_refused("curate " + video + " --out " + (folder / "full").string(), "other files");
  expect_refused("curate " + video + " --out " + folder.path().string(), "lies in --out");
  expect_refused("curate " + video + out + " --caption-endpoint http://example.org/",
                 "this machine");
  expect_refused("curate " + video + out + " --shard 3/2", "--shard");
  expect_refused("curate " + video + out + " --limits /no/limits.json", "/no/limits.json");
  expect_refused("curate " + video + out + " --most-seconds 1", "least_sample_seconds");
  if (ocr_available()) expect_refused("curate " + video + out + " --language xx9", "xx9");
}

}  // namespace
}  // namespace vidattn
