#include "harness/workloads/video/person_masks.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>

#include "attention/error.h"
#include "harness/workloads/media/video_file.h"
#include "harness/workloads/workload.h"
#include "tests/harness/files.h"
#include "tests/harness/networks/tiny_onnx.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::pixel_network;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

/// A network for which white is a person, and a film whose right half is; 17 frames of 64x48.
class PersonMasksOf : public ::testing::Test {
 protected:
  void SetUp() override {
    write_bytes(folder_ / "white.onnx", pixel_network({8, 8, 8}, -12));
    try {
      load_onnx(network(), "test");
    } catch (const InputError& error) {
      if (std::string(error.what()).find("no OpenCV dnn") == std::string::npos) throw;
      GTEST_SKIP() << error.what();
    }
    VideoFile video(folder_ / "v.mp4", VideoCodec::mpeg4, 24, {64, 48});
    for (int i = 0; i < 17; ++i) {
      cv::Mat frame(48, 64, CV_8UC3, cv::Scalar(40, 60 + 3 * i, 80));
      frame({32, 0, 32, 48}).setTo(cv::Scalar::all(255));
      video.write(frame);
    }
    video.commit();
  }

  std::string network() const { return (folder_ / "white.onnx").string(); }
  std::string video() const { return (folder_ / "v.mp4").string(); }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

TEST_F(PersonMasksOf, APictureLieWhereItsPeopleDo) {
  PersonMasks persons(network(), "test");
  cv::Mat frame(90, 160, CV_8UC3, cv::Scalar::all(0));
  frame({80, 0, 80, 90}).setTo(cv::Scalar::all(255));
  const cv::Mat mask = persons.mask(frame, {64, 36});
  ASSERT_EQ(mask.size(), cv::Size(64, 36));
  EXPECT_EQ(cv::countNonZero(mask({0, 0, 31, 36})), 0);
  EXPECT_EQ(cv::countNonZero(mask({33, 0, 31, 36})), 31 * 36);
  double most = 0;
  cv::minMaxLoc(mask, nullptr, &most);
  EXPECT_EQ(most, 1);
}

TEST_F(PersonMasksOf, AVideoAreLabelsOfItsTokens) {
  WorkloadRequest request{.spec = "video:" + video(), .heads = 1, .dim = 64};
  request.masks = "persons:" + network();
  const Workload made = make_workload(request);
  const auto& identity = made.inputs.extra.at("identity")->as<uint8_t>("identity");
  ASSERT_EQ(std::ssize(identity), made.inputs.length());
  for (size_t i = 0; i < identity.size(); ++i) EXPECT_EQ(identity[i], i % 4 >= 2 ? 1 : 0) << i;
  EXPECT_EQ(made.provenance["masks"]["from"], "persons");
  request.masks.clear();
  EXPECT_FALSE(make_workload(request).inputs.extra.contains("identity"));
}

TEST_F(PersonMasksOf, RunComparesARoutersGroupsWithThem) {
  const std::string out = (folder() / "r.json").string();
  const ToolResult run =
      run_tool("run --workload video:" + video() + " --masks persons:" + network() +
               " --heads 1 --dim 64 --backend full --backend moga:num_groups=2 "
               "--repeat 1 --quiet --all-columns --out " +
               out);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("router IoU"), std::string::npos) << run.out;
  const auto record = nlohmann::json::parse(read_bytes(out));
  for (const auto& one : record["cases"]) {
    const auto& metrics = one["metrics"];
    ASSERT_TRUE(metrics.contains("router_iou")) << one;
    if (one["backend"].get<std::string>().starts_with("moga")) {
      EXPECT_GT(metrics["router_iou"]["value"], 0.75) << "white is a group of its own";
      EXPECT_NEAR(metrics["random_group_iou"]["value"], 0.5 / 1.5, 1e-9);
    }
  }
}

TEST_F(PersonMasksOf, WhatHasNoneIsOneLine) {
  const std::string missing = "XDG_DATA_HOME=" + (folder() / "none").string();
  const ToolResult none =
      run_shell(missing + " " VIDATTN_TOOL " run --workload video:" + video() + " --masks persons");
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_NE(none.err.find("get_models.sh persons"), std::string::npos) << none.err;
  expect_refused("run --masks persons", "characters");
  expect_refused("run --workload video:" + video() + " --masks characters", "persons[:FILE]");
  expect_refused("run --workload steps:4 --masks characters", "--masks");
  expect_refused("run --workload video:" + video() + " --masks persons:/no/such.onnx", "such.onnx");
}

}  // namespace
}  // namespace vidattn
