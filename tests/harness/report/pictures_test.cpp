#include "harness/report/pictures.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "attention/backend.h"
#include "harness/measure/record/workload_facts.h"
#include "harness/report/backgrounds.h"
#include "harness/report/report.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/media/picture.h"
#include "harness/workloads/workload.h"
#include "metrics/plan/stats.h"
#include "tests/harness/files.h"
#include "tests/harness/report/cases.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

using nlohmann::json;

TEST(Pictures, MaskIsThePlansMaskWhereEveryTokenHasAPixel) {
  const Inputs in = random_video(3, 4, 5, 2, 8);
  const Backend& backend = find_backend("stga");
  const Plan plan = backend.plan(in, backend.defaults());
  const cv::Mat picture = mask_picture(plan, in, 0);
  const Array mask = plan_mask(plan, in);
  const auto& bits = mask.as<uint8_t>("mask");
  ASSERT_EQ(picture.rows, 60);
  for (int i = 0; i < 60; ++i)
    for (int j = 0; j < 60; ++j)
      ASSERT_EQ(picture.at<uchar>(i, j), bits[i * 60 + j] ? 255 : 0) << i << " " << j;
}

TEST(Pictures, SmallMaskKeepsTheDensity) {
  const Inputs in = random_video(4, 6, 10, 1, 8);
  const Backend& frame = find_backend("frame");
  const cv::Mat picture = mask_picture(frame.plan(in, frame.defaults()), in, 0, 16);
  ASSERT_EQ(picture.rows, 16);
  EXPECT_NEAR(cv::mean(picture)[0] / 255, 0.25, 0.01);
}

TEST(Pictures, FramesShowSegmentsAndVisibleKeys) {
  const Inputs in = random_video(4, 6, 10, 1, 8);
  const Backend& frame = find_backend("frame");
  const Plan plan = frame.plan(in, frame.defaults());
  const auto latent = frames_to_show(in.grid);
  EXPECT_EQ(latent, (std::vector<int64_t>{0, 1, 2, 3}));
  const cv::Mat segments = segment_picture(plan, in, 0, latent, {});
  // A token has 86 pixels: one colour in a frame, another in the next one.
  ASSERT_EQ(segments.size(), cv::Size(4 * (10 * 86 + 4) - 4, 6 * 86));
  EXPECT_EQ(segments.at<cv::Vec3b>(2, 2), segments.at<cv::Vec3b>(500, 850));
  EXPECT_NE(segments.at<cv::Vec3b>(2, 2), segments.at<cv::Vec3b>(2, 870));
  const cv::Mat visible = visible_picture(plan, in, 0, in.grid.token(0, 0, 0), latent, {});
  EXPECT_NE(visible.at<cv::Vec3b>(500, 850), visible.at<cv::Vec3b>(500, 870));
  const Backend& full = find_backend("full");
  EXPECT_TRUE(segment_picture(full.plan(in, full.defaults()), in, 0, latent, {}).empty());
}

TEST(Pictures, OfAPageAreNoWiderThanItShows) {
  const cv::Mat wide(540, 3756, CV_8UC3, cv::Scalar(10, 20, 30)), narrow(540, 540, CV_8UC1);
  EXPECT_EQ(on_page(wide).size(), cv::Size(1920, 276));
  EXPECT_EQ(on_page(wide).at<cv::Vec3b>(270, 1900), cv::Vec3b(10, 20, 30));
  EXPECT_EQ(on_page(narrow).data, narrow.data);
}

TEST(Pictures, DataUriIsAPngOfAMaskAndAJpegOfFrames) {
  cv::Mat mask(5, 7, CV_8UC1), frames(5, 7, CV_8UC3);
  cv::randu(mask, 0, 255);
  cv::randu(frames, 0, 255);
  const std::string png = data_uri(mask), jpeg = data_uri(frames);
  EXPECT_EQ(png.substr(0, 22), "data:image/png;base64,");
  EXPECT_EQ((png.size() - 22) % 4, 0U);
  EXPECT_EQ(jpeg.substr(0, 27), "data:image/jpeg;base64,/9j/");  // a JPEG's first bytes
  EXPECT_EQ((jpeg.size() - 23) % 4, 0U);
}

TEST(Pictures, VisibleTokensKeepTheirColoursAndHiddenOnesAreDark) {
  const Inputs in = random_video(2, 4, 4, 1, 8);
  const Backend& frame = find_backend("frame");
  const cv::Mat green(64, 64, CV_8UC3, cv::Scalar(0, 200, 0));
  const cv::Mat picture = visible_picture(frame.plan(in, frame.defaults()), in, 0,
                                          in.grid.token(0, 0, 0), {0, 1}, {green, green});
  const auto &seen = picture.at<cv::Vec3b>(300, 300), &hidden = picture.at<cv::Vec3b>(300, 900);
  EXPECT_GT(seen[1], 150);
  EXPECT_LT(seen[2], 80);
  EXPECT_LT(hidden[1], 80);
}

TEST(Pictures, SmallOnesAreEnlargedByWholePixels) {
  cv::Mat small(60, 60, CV_8UC1);
  cv::randu(small, 0, 255);
  const cv::Mat large = enlarged(small);
  ASSERT_EQ(large.size(), cv::Size(540, 540));
  for (int y = 0; y < 540; y += 7)
    for (int x = 0; x < 540; x += 7)
      ASSERT_EQ(large.at<uchar>(y, x), small.at<uchar>(y / 9, x / 9));
  EXPECT_EQ(enlarged(cv::Mat::zeros(512, 512, CV_8UC1)).size(), cv::Size(512, 512));
}

TEST(Pictures, SegmentsOfSingleTokensAreNoGroups) {
  const Inputs in = random_video(2, 4, 4, 1, 8);
  HeadTable table;
  for (int32_t t = 0; t < 32; ++t) table.add(t, t + 1, {{0, 32}});
  Plan plan;
  plan.branches.push_back({.name = "single", .tables = {std::move(table)}});
  EXPECT_TRUE(segment_picture(plan, in, 0, {0, 1}, {}).empty());
}

TEST(Pictures, AVideosOwnFramesLieBehindIt) {
  const testing::TemporaryFolder folder;
  constexpr int kFrames = 5, kBrighter = 40;
  for (int i = 0; i < kFrames; ++i) {
    const auto png = png_of(cv::Mat(64, 96, CV_8UC3, cv::Scalar::all(kBrighter * i)));
    std::ofstream(folder / (std::to_string(i) + ".png"), std::ios::binary)
        .write(reinterpret_cast<const char*>(png.data()), std::ssize(png));
  }
  const Workload video =
      make_workload({.spec = "video:" + folder.path().string(), .heads = 1, .dim = 16});
  ASSERT_EQ(video.inputs.grid.frames, 2);
  const auto frames = backgrounds_of(video, {0, 1});
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(cv::mean(frames[0])[0], 0);
  EXPECT_EQ(cv::mean(frames[1])[0], kBrighter) << "the first pixel frame of latent frame 1";
}

TEST(Pictures, TheClipThatANetworkSawLiesBehindIt) {
  const Workload trained =
      make_workload({.spec = "dit", .frames = 3, .height = 4, .width = 6, .seed = 7});
  const auto frames = backgrounds_of(trained, {0, 2});
  ASSERT_EQ(frames.size(), 2U);
  const TrainingClip clip(7, 3, 4, 6);
  EXPECT_EQ(cv::norm(frames[0], clip.film().frame(0), cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(frames[1], clip.film().frame(5), cv::NORM_INF), 0);
}

/// report_data() of methods on a small workload, with its pictures.
json with_pictures(const std::vector<std::string>& settings, size_t runs,
                   const std::string& spec = "film") {
  const Workload film =
      make_workload({.spec = spec, .frames = 3, .height = 4, .width = 6, .heads = 2, .dim = 16});
  StoredRun run = testing::run_of({});
  for (const std::string& setting : settings) {
    Measurement c = testing::case_of(setting, 2, 0.1, {0.5});
    c.workload = workload_facts(film);
    run.cases.push_back(c);
  }
  json data = report_data(std::vector<StoredRun>(runs, run), {});
  add_pictures(data, false);
  return data;
}

TEST(Pictures, ANetworkThatTheProgramCarriesNeedsNoFile) {
  const json data = with_pictures({"moga"}, 1, "dit:nano-480p@layer=1,step=3");
  EXPECT_FALSE(data["workloads"][0].contains("picture_note")) << data["workloads"][0];
  EXPECT_EQ(data["cases"][0].value("pictures", json::object()).size(), 3U);
}

TEST(Pictures, EveryMethodHasThemAndACaseWithoutLeavesTheOthers) {
  const json data = with_pictures({"svg", "svg:no_such=1", "ditfastattn", "full"}, 1);
  for (const size_t i : {0U, 2U, 3U})
    EXPECT_GE(data["cases"][i].value("pictures", json::object()).size(), 2U) << data["cases"][i];
  EXPECT_FALSE(data["cases"][1].contains("pictures"));
  EXPECT_NE(data["cases"][1]["picture_note"].get<std::string>().find("no_such"), std::string::npos);
  EXPECT_FALSE(data["workloads"][0].contains("picture_note"));
}

TEST(Pictures, FilesOfSeveralRunsDoNotOverwriteEachOther) {
  json data = with_pictures({"full", "stga"}, 1);
  // The same method on other tensors and in other runs, all of the same name.
  const json once = data["cases"];
  for (int i = 0; i < 2; ++i) data["cases"].insert(data["cases"].end(), once.begin(), once.end());
  const testing::TemporaryFolder folder;
  WrittenFiles files(folder.path());
  write_figures(data, files);
  const std::set<std::string> names(files.names().begin(), files.names().end());
  EXPECT_EQ(names.size(), files.names().size());
  for (const char* name :
       {"full_mask.png", "full_mask_2.png", "full_mask_3.png", "stga_visible_3.jpg"})
    EXPECT_EQ(names.count(name), 1U) << name;
}

}  // namespace
}  // namespace vidattn
