// Records of a folder that may be somebody else's: read as they were written, or refused.
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/curate/output/summary.h"
#include "harness/curate/select/samples.h"
#include "harness/curate/source/judge_source.h"
#include "harness/io/json_file.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::expect_input_error;
using testing::TemporaryFolder;

/// All of a video's records.
struct Records {
  SourceReport source{.width = 64, .height = 36, .fps = 8, .seconds = 2, .area = {0, 0, 64, 36}};
  Segmentation segmentation{.frames = 16, .fps = 8, .clips = {{0, 7, "start"}, {9, 15, "cut"}}};
  std::vector<ClipRecord> clips;
  SamplePlan plan;

  Records() {
    ClipRecord& clip = clips.emplace_back(ClipRecord{.span = segmentation.clips[0]});
    clip.crop = {2, 0, 60, 34};
    clip.area = 60.0 * 34 / (64 * 36);
    plan = {{{0, 1, 6, clip.crop}}, clip.crop.size()};
  }
  json as_json() const {
    return {{"source", to_json(source)},
            {"segmentation", to_json(segmentation)},
            {"clip", to_json(clips[0])},
            {"plan", to_json(plan)}};
  }
  static Records read(const json& all) {
    Records records;
    const JsonReader reader(all);
    records.source = read_source_report(reader.at("source"));
    records.segmentation = read_segmentation(reader.at("segmentation"));
    records.clips = {read_clip_record(reader.at("clip"), records.source.frame())};
    records.plan = read_sample_plan(reader.at("plan"), records.clips);
    return records;
  }
};

void expect_possible(const Records& records) {
  const cv::Rect frame({0, 0}, records.source.frame());
  EXPECT_EQ(records.source.area & frame, records.source.area);
  EXPECT_EQ(records.clips[0].crop & frame, records.clips[0].crop);
  EXPECT_GT(records.plan.size.area(), 0);
  for (const ClipSpan& span : records.segmentation.clips) {
    EXPECT_LE(span.first, span.last);
    EXPECT_LT(span.last, records.segmentation.frames);
  }
  for (const SamplePiece& piece : records.plan.pieces) {
    EXPECT_GE(piece.first, records.clips[0].span.first);
    EXPECT_LE(piece.last, records.clips[0].span.last);
    EXPECT_EQ(piece.crop, records.clips[0].crop);
  }
}

TEST(CurateRecords, AreReadAsTheyWereWritten) {
  const json all = Records().as_json();
  EXPECT_EQ(Records::read(all).as_json(), all);
}

/// Stretches and plans; the fuzzer of tests/fuzz goes through all.
TEST(CurateRecords, AreReadOrRefusedWhateverStandsInThem) {
  const TemporaryFolder folder;
  const json all = Records().as_json();
  const auto read = [&all](const std::filesystem::path& path) {
    json changed = all;
    changed.update(read_json(path.string()));
    expect_possible(Records::read(changed));
  };
  const std::string text =
      json{{"segmentation", all["segmentation"]}, {"plan", all["plan"]}}.dump();
  EXPECT_GT(testing::expect_read_or_refused(text, folder / "records.json", read), 1000);
}

TEST(CurateSummary, SamplesThatCouldNotBeWrittenHaveARow) {
  const Records records;
  CuratedVideo video;
  video.analysis.emplace();
  video.analysis->source = records.source;
  video.analysis->segmentation = records.segmentation;
  video.analysis->clips = records.clips;
  video.error = "No space left on device";
  video.plans = {records.plan};
  const CurateSummary summary = summarize({video}, {});
  EXPECT_EQ(summary.counted.at("sample.failed"), 1);
  EXPECT_DOUBLE_EQ(summary.dropped.at("sample.failed"),
                   static_cast<double>(records.plan.frames()) / records.segmentation.fps);
  const TableRows rows = summary_rows(summary);
  EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [](const auto& row) {
    return row[0] == "sample.failed" && row[2] == "1 sample";
  }));
}

TEST(CurateRecords, OfFramesAndStretchesThatCannotBeAreRefused) {
  const auto refused = [](const char* pointer, const json& value, const std::string& part) {
    json all = Records().as_json();
    all[json::json_pointer(pointer)] = value;
    expect_input_error([&] { Records::read(all); }, part);
  };
  refused("/source/area", {1, 0, 64, 36}, "within 64x36");
  refused("/clip/crop", {-2, 0, 60, 34}, "within 64x36");
  refused("/clip/crop", {2147483647, 0, 2147483647, 34}, "within 64x36");
  refused("/segmentation/clips/1/first", 7, "first");
  refused("/segmentation/clips/1/last", 16, "last");
  refused("/segmentation/grid", {0, 1}, "every step");
  refused("/segmentation/fps", 0, "fps");
  refused("/clip/crop", {0, 0, 0, 0}, "a clip with a crop");
  refused("/plan/pieces/0/clip", 1, "clip");
  refused("/plan/pieces/0/last", 8, "last");
  refused("/plan/pieces", json::array(), "pieces");
}

}  // namespace
}  // namespace vidattn
