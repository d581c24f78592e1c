#include "harness/videos/find_shots.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/io/json_file.h"
#include "harness/videos/scene_file.h"
#include "harness/workloads/film/film.h"
#include "tests/harness/altered.h"
#include "tests/harness/ffmpeg.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/harness/videos.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

constexpr const char* kTwoScenes = R"({"id":"film","gt":[[0,23],[24,59]],"pred":[[0,24],[25,59]]})";

TEST(SceneFile, ReadsScenesAndStatedCounts) {
  const TemporaryFolder folder;
  write_bytes(folder / "a.jsonl",
              std::string(kTwoScenes) + "\n\n" + R"({"id":"b","gt":[[0,9]],"tp":0,"fp":1,"fn":2})");
  const auto records = read_scenes((folder / "a.jsonl").string());
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].predicted->at(1), (Scene{25, 59}));
  EXPECT_FALSE(records[1].predicted);
  EXPECT_FALSE(records[0].stated);
  EXPECT_EQ(*records[1].stated, (ShotScore{0, 1, 2}));
}

TEST(SceneFile, NamesTheLineThatIsWrong) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& text) {
    write_bytes(folder / "bad.jsonl", text);
    read_scenes((folder / "bad.jsonl").string());
  };
  expect_input_error([&] { read("{}\n"); }, "line 1: 'id' is missing");
  expect_input_error([&] { read(std::string(kTwoScenes) + "\n{\"id\""); }, "line 2");
  expect_input_error([&] { read(R"({"id":"a","gt":[[5,4]]})"); }, "line 1: gt[0]: must ascend");
  expect_input_error([&] { read(R"({"id":"a","gt":[[0,4],[4,9]]})"); }, "gt[1]: must ascend");
  expect_input_error([&] { read(R"({"id":"a","gt":[[0,4,5]]})"); },
                     "gt[0]: expected [first,last], found a list of 3");
  expect_input_error([&] { read(R"({"id":"a","gt":[]})"); }, "no scene");
  expect_input_error([&] { read("\n"); }, "holds no scenes");
}

TEST(SceneFile, AlteredScenesAreReadOrRefused) {
  const TemporaryFolder folder;
  const auto valid = parse_json(R"({"id": "a", "gt": [[0,58],[59,138]], "pred": [[0,57],[58,138]],
                                    "tp": 1, "fp": 0, "fn": 0})");
  const int refused =
      testing::expect_altered_read_or_refused(valid, [&](const nlohmann::json& altered) {
        write_bytes(folder / "a.jsonl", altered.dump());
        for (const SceneRecord& record : read_scenes(folder / "a.jsonl"))
          if (record.predicted) score_shots(record.truth, *record.predicted);
      });
  EXPECT_GT(refused, 100);
}

TEST(SceneFile, SurvivesDamage) {
  const TemporaryFolder folder;
  EXPECT_GT(testing::expect_read_or_refused(
                kTwoScenes, folder / "damaged.jsonl",
                [](const std::filesystem::path& path) { read_scenes(path.string()); }),
            100);
}

/// Counts are summed over the videos before precision, recall and F1.
TEST(FindShots, ScoresAFileOfScenes) {
  const TemporaryFolder folder;
  const std::string file = (folder / "scenes.jsonl").string();
  write_bytes(file,  // 2 of 3 cuts found within two frames; 1 found, 2 imagined; 1 missed
              R"({"id":"a","gt":[[0,9],[10,19],[20,29],[30,39]],"pred":[[0,11],[12,19],[20,39]]})"
              "\n"
              R"({"id":"b","gt":[[0,49],[60,99]],"pred":[[0,20],[21,54],[55,80],[81,99]]})"
              "\n"
              R"({"id":"c","gt":[[0,4],[5,9]],"pred":[[0,9]]})"
              "\n");
  const ToolResult result = run_tool("shots --score " + file);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "3 videos: TP 3  FP 2  FN 2  precision 0.6000  recall 0.6000  F1 0.6000\n");
}

/// The same for the predictions of a published detector, where they are here.
TEST(FindShots, GivesAutoShotsPublishedScore) {
  const std::string file =
      std::string(VIDATTN_SOURCE_DIR) + "/../shared/reference/shots/autoshot_scenes.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no scenes at " << file;
  const ToolResult result = run_tool("shots --score " + file);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "200 videos: TP 2098  FP 378  FN 418  precision 0.8473  recall 0.8339  F1 0.8405\n");
}

TEST(FindShots, ControlCharactersOfANameAreEscaped) {
  const TemporaryFolder folder;
  const std::string video =
      testing::write_video(folder / "new\nline.avi", std::vector<cv::Mat>(4, testing::grey(9)));
  const ToolResult result = run_tool("shots --quiet '" + video + "'");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("new\\u000aline.avi: 4 frames"), std::string::npos) << result.out;
}

TEST(FindShots, AnEmptyPredictionIsScoredAndNoneIsRefused) {
  const TemporaryFolder folder;
  const std::string file = (folder / "a.jsonl").string();
  write_bytes(file, R"({"id":"x","gt":[[0,4],[5,9]],"pred":[]})");
  const ToolResult result = run_tool("shots --score " + file);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("1 video: TP 0  FP 0  FN 1"), std::string::npos) << result.out;
  write_bytes(file, R"({"id":"x","gt":[[0,4],[5,9]]})");
  const ToolResult refused = run_tool("shots --score " + file);
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_NE(refused.err.find("has no \"pred\""), std::string::npos) << refused.err;
}

TEST(FindShots, TellsWhenStatedCountsDoNotComeOut) {
  const TemporaryFolder folder;
  const std::string file = (folder / "a.jsonl").string();
  write_bytes(file, R"({"id":"a","gt":[[0,4],[5,9]],"pred":[[0,4],[5,9]],"tp":0,"fp":1,"fn":1})");
  const ToolResult result = run_tool("shots --score " + file);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.out.find("a: TP 1 FP 0 FN 0, but the file states 0 1 1"), std::string::npos);
}

TEST(FindShots, FindsTheCutsOfAClip) {
  const TemporaryFolder folder;
  write_bytes(folder / "truth.jsonl", R"({"id":"three_shots","gt":[[0,31],[32,62],[63,80]]})");
  const ToolResult result =
      run_tool("shots --quiet " VIDATTN_SOURCE_DIR "/tests/data/three_shots.mp4 --score " +
               (folder / "truth.jsonl").string());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("81 frames of 144x80, 16 frames/s, 3 shots"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("1 video: TP 2  FP 0  FN 0"), std::string::npos) << result.out;
}

TEST(FindShots, PrintsWritesAndScoresTheShotsOfAFilm) {
  const TemporaryFolder folder;
  const std::string video = (folder / "film.avi").string(), out = (folder / "o.json").string();
  write_film({.frames = 60, .height = 96, .width = 150, .shots = {0, 24}}, video);
  write_bytes(folder / "truth.jsonl", kTwoScenes);
  const ToolResult result = run_tool("shots --quiet " + video + " --out " + out + " --score " +
                                     (folder / "truth.jsonl").string());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_NE(result.out.find("60 frames of 150x96, 16 frames/s, 2 shots"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("1 video: TP 1  FP 0  FN 0"), std::string::npos) << result.out;
  const auto json = nlohmann::json::parse(read_bytes(out));
  EXPECT_EQ(json["detection"]["detector"], "content");
  const auto& record = json["videos"][0];
  EXPECT_EQ(record["starts"], (nlohmann::json{0, 24}));
  EXPECT_EQ(record["shots"][1]["clean_first"], 24);
  EXPECT_EQ(record["boundaries"][0]["kind"], "cut");
  EXPECT_EQ(record["boundaries"][0]["clean"], true);
}

TEST(FindShots, TakesFoldersOfFrames) {
  const TemporaryFolder folder;
  std::vector<cv::Mat> frames(20, testing::grey(60));
  frames.insert(frames.end(), 20, testing::grey(180));
  const std::string video = testing::write_frames(folder / "cut", frames) + "/";
  write_bytes(folder / "truth.jsonl", R"({"id":"cut","gt":[[0,19],[20,39]]})");
  const ToolResult result =
      run_tool("shots --quiet --fps 10 " + video + " --score " + (folder / "truth.jsonl").string());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("40 frames of 64x48, 10 frames/s, 2 shots"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("TP 1  FP 0  FN 0"), std::string::npos) << result.out;
}

/// Where two cuts lie closer than a shot may be long, the frames said to be clean hold neither.
TEST(FindShots, CleanFramesHoldNoCutFlashOrForeignFrame) {
  const TemporaryFolder folder;
  std::vector<cv::Mat> frames(1, testing::grey(250));
  frames.insert(frames.end(), 29, testing::grey(60));
  frames.insert(frames.end(), 8, testing::grey(180));
  frames.insert(frames.end(), 30, testing::grey(40));
  frames.insert(frames.end(), 1, testing::grey(250));
  frames.insert(frames.end(), 12, testing::grey(40));
  const std::string video = testing::write_frames(folder / "v", frames);
  const std::string out = (folder / "o.json").string();
  const auto clean_of = [&](const std::string& more) {
    const ToolResult result = run_tool("shots --quiet --fps 10 " + video + " --out " + out + more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<std::pair<int, int>> clean;
    const auto json = nlohmann::json::parse(read_bytes(out));
    for (const auto& shot : json["videos"][0]["shots"])
      clean.emplace_back(shot["clean_first"], shot["clean_last"]);
    return std::pair(clean, result.out);
  };
  using Clean = std::vector<std::pair<int, int>>;
  const auto [clean, text] = clean_of("");
  EXPECT_EQ(clean, (Clean{{0, 0}, {1, 29}, {38, 67}, {69, 80}}));
  EXPECT_NE(text.find("4 shots, boundaries at least 15 apart"), std::string::npos) << text;
  EXPECT_NE(text.find("shot 2: cut at 38, too close for --min-length 15"), std::string::npos)
      << text;
  EXPECT_EQ(clean_of(" --min-length 5").first,
            (Clean{{0, 0}, {1, 29}, {30, 37}, {38, 67}, {69, 80}}));
}

TEST(FindShots, TimesAreThoseOfTheFrames) {
  const TemporaryFolder folder;
  const std::string video = (folder / "vfr.mkv").string(), out = (folder / "o.json").string();
  // 12 frames per second for two seconds, then 24.
  testing::ffmpeg(
      "-f lavfi -i color=red:r=24:d=2 -f lavfi -i color=blue:r=24:d=2 -filter_complex "
      "\"[0][1]concat,select='gte(n,48)+not(mod(n,2))'\" -vsync vfr -c:v ffv1 " +
      video);
  const ToolResult result = run_tool("shots --quiet " + video + " --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto shots = nlohmann::json::parse(read_bytes(out))["videos"][0]["shots"];
  ASSERT_EQ(shots.size(), 2U);
  EXPECT_EQ(shots[1]["first"], 24);
  EXPECT_NEAR(shots[1]["from_s"].get<double>(), 2, 2e-3);
  EXPECT_NEAR(shots[1]["to_s"].get<double>(), 4, 2e-3);
  EXPECT_NE(result.out.find("variable frame rate"), std::string::npos) << result.out;
}

TEST(FindShots, ABadFileIsNamedAndTheOthersAreMeasured) {
  const TemporaryFolder folder;
  testing::write_video(folder / "a.avi", {testing::grey(1), testing::grey(2)});
  write_bytes(folder / "b.avi", "");
  write_bytes(folder / "c.avi", std::string(3000, '\xff'));
  testing::write_video(folder / "d.avi", {testing::grey(1), testing::grey(2)});
  const std::string out = (folder / "o.json").string();
  const ToolResult result = run_tool("shots --quiet " + folder.path().string() + " --out " + out);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("b.avi' is empty"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("c.avi' cannot be opened"), std::string::npos) << result.err;
  EXPECT_NE(result.out.find("d.avi: 2 frames"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("2 of 4 videos could not be read"), std::string::npos) << result.out;
  const auto record = nlohmann::json::parse(read_bytes(out));
  const auto& libraries = record["environment"]["software"]["libraries"];
  EXPECT_TRUE(libraries.contains("ffmpeg") && libraries.contains("libavcodec"));
  const auto& videos = record["videos"];
  ASSERT_EQ(videos.size(), 4U);
  EXPECT_EQ(videos[3]["decoder"], "mjpeg");
  EXPECT_NE(videos[1]["error"].get<std::string>().find("is empty"), std::string::npos);
  EXPECT_EQ(videos[3]["frames"], 2);
}

/// In every command that reads videos.
TEST(FindShots, HdrIsNamedAndTheOthersAreMeasured) {
  const TemporaryFolder folder;
  const std::string hdr = folder / "hdr.mkv", plain = folder / "plain.mkv";
  const std::string source = "-f lavfi -i testsrc2=s=64x64:r=24:d=0.25 -c:v ffv1 ";
  testing::ffmpeg(source + plain);
  testing::ffmpeg(source + "-pix_fmt yuv420p10le -colorspace bt2020nc -color_primaries bt2020 " +
                  "-color_trc smpte2084 " + hdr);
  const std::string line = "video '" + hdr + "' is HDR (PQ)";
  for (const std::string command : {"shots ", "metrics "}) {
    const ToolResult batch = run_tool(command + "--quiet " + hdr + " " + plain);
    EXPECT_EQ(batch.exit_code, 3) << command;
    EXPECT_NE((batch.out + batch.err).find(line), std::string::npos) << batch.out << batch.err;
    EXPECT_NE(batch.out.find(plain), std::string::npos) << batch.out;
  }
  for (const std::string& command : {"videodiff --quiet " + hdr + " " + plain,
                                     "run --workload video:" + hdr, "quality --films 0 " + hdr}) {
    const ToolResult one = run_tool(command);
    EXPECT_EQ(one.exit_code, 3) << command;
    EXPECT_NE(one.err.find(line), std::string::npos) << command << "\n" << one.err;
    EXPECT_EQ(std::count(one.err.begin(), one.err.end(), '\n'), 1) << one.err;
  }
}

TEST(FindShots, RefusesBadInputInOneLine) {
  const TemporaryFolder folder;
  write_bytes(folder / "a.jsonl", kTwoScenes);
  const std::string video = (folder / "other.avi").string();
  write_film({.frames = 20, .height = 32, .width = 48}, video);
  const struct {
    std::string arguments, message;
  } cases[] = {{"shots", "give videos"},
               {"shots /nowhere.mp4", "does not exist"},
               {"shots --detector best x.mp4", "detector"},
               {"shots --min-length 0 " + video, "at least 1 frame"},
               {"shots --out /nowhere/o.json " + video, "/nowhere"},
               {"shots --score /nowhere.jsonl", "/nowhere.jsonl"},
               {"shots --score " + (folder / "a.jsonl").string() + " " + video, "has no line"}};
  for (const auto& bad : cases) {
    const ToolResult result = run_tool(bad.arguments);
    EXPECT_EQ(result.exit_code, 3) << bad.arguments;
    EXPECT_NE(result.err.find(bad.message), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

}  // namespace
}  // namespace vidattn
