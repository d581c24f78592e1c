// Boundaries of two detectors, near duplicates, samples.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "harness/curate/select/duplicates.h"
#include "harness/curate/select/samples.h"
#include "harness/curate/shots/segmentation.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

Boundary cut_at(int64_t frame) { return {.frame = frame, .first = frame, .last = frame - 1}; }

TEST(JoinBoundaries, CutsThatBothFindAreCleanAndOthersAreTrimmed) {
  const std::vector<Boundary> content = {
      cut_at(50),
      cut_at(100),
      {.frame = 160, .kind = Transition::gradual, .first = 154, .last = 165}};
  const std::vector<Boundary> adaptive = {cut_at(51), cut_at(160), cut_at(220)};
  const auto joint = join_boundaries(content, adaptive, 2, 300);
  ASSERT_EQ(joint.size(), 4U);
  EXPECT_EQ(joint[0].label(), "cut, clean");
  EXPECT_TRUE(joint[0].boundary.clean());
  EXPECT_EQ(joint[1].label(), "cut, found by content only");
  EXPECT_EQ(joint[1].boundary.first, 98);
  EXPECT_EQ(joint[1].boundary.last, 101);
  EXPECT_EQ(joint[2].label(), "gradual, overlapped");
  EXPECT_EQ(joint[2].boundary.first, 152);
  EXPECT_EQ(joint[2].boundary.last, 167);
  EXPECT_EQ(joint[3].label(), "cut, found by adaptive only");
}

/// Labels of what the rules find at 50 (both), 100 (content), 220 (adaptive) and as a dissolve from
/// 154 to 165, and TransNetV2 as given.
std::vector<std::string> labels(const std::vector<Boundary>& transnet,
                                std::vector<JointBoundary>* all = nullptr) {
  const std::vector<Boundary> content = {
      cut_at(50),
      cut_at(100),
      {.frame = 160, .kind = Transition::gradual, .first = 154, .last = 165}};
  const auto joint = join_boundaries(content, {cut_at(51), cut_at(220)}, 2, 300, transnet);
  std::vector<std::string> labels;
  for (const JointBoundary& one : joint) labels.push_back(one.label());
  if (all != nullptr) *all = joint;
  return labels;
}

Boundary mix(int64_t first, int64_t last) {
  return {
      .frame = (first + last + 1) / 2, .kind = Transition::gradual, .first = first, .last = last};
}

TEST(JoinBoundaries, WithTransNetOneRuleAndItAreNeededForAgreement) {
  using Labels = std::vector<std::string>;
  EXPECT_EQ(labels({cut_at(50), cut_at(101), mix(157, 161), cut_at(220)}),
            (Labels{"cut, clean", "cut, clean", "gradual, overlapped", "cut, clean"}));
  EXPECT_EQ(labels({}),
            (Labels{"cut, found by content and adaptive only", "cut, found by content only",
                    "gradual, found by content only", "cut, found by adaptive only"}));
}

TEST(JoinBoundaries, WhatTransNetAloneFindsIsABoundaryWhoseFramesAreLeftOut) {
  std::vector<JointBoundary> joint;
  const auto found = labels({mix(50, 53), cut_at(120), mix(140, 155), mix(190, 200)}, &joint);
  EXPECT_EQ(found, (std::vector<std::string>{"cut, overlapped", "cut, found by content only",
                                             "cut, found by transnet only", "gradual, overlapped",
                                             "gradual, found by transnet only",
                                             "cut, found by adaptive only"}));
  EXPECT_EQ(joint[0].boundary.first, 48) << "its mixed frames count, and two more";
  EXPECT_EQ(joint[0].boundary.last, 55);
  EXPECT_EQ(joint[2].boundary.first, 118);
  EXPECT_EQ(joint[2].boundary.last, 121);
  EXPECT_EQ(joint[3].boundary.first, 138) << "from the first of both";
  EXPECT_EQ(joint[3].boundary.last, 167) << "to the last of both";
  EXPECT_EQ(joint[4].boundary.first, 188);
  EXPECT_EQ(joint[4].boundary.last, 202);
}

ClipRecord clip(int64_t number, int64_t first, int64_t last) {
  ClipRecord record{.number = number, .span = {first, last}};
  record.crop = {0, 0, 320 - 2 * static_cast<int>(number), 180};
  return record;
}

TEST(PlanSamples, JoinsWhatFollowsEachOtherUpToTheLimit) {
  CurateLimits limits;
  limits.most_seconds = 10;
  limits.least_sample_seconds = 2;
  std::vector<ClipRecord> clips = {clip(0, 0, 39),    clip(1, 40, 79),   clip(2, 80, 119),
                                   clip(3, 120, 179), clip(4, 180, 189), clip(5, 190, 449)};
  clips[3].decisions.drop("clip.test", "");
  const auto samples = plan_samples(clips, 10, limits);
  // 40 + 40 frames (a third clip would make 12 s), 40, then 260 frames in three parts.
  ASSERT_EQ(samples.size(), 5U);
  EXPECT_EQ(samples[0].shot_starts(), (std::vector<int64_t>{0, 40}));
  EXPECT_EQ(samples[0].size, cv::Size(318, 180)) << "the smaller crop";
  EXPECT_EQ(samples[1].pieces[0].clip, 2);
  EXPECT_FALSE(clips[4].decisions.kept()) << "a second by itself is no sample";
  EXPECT_EQ(clips[4].decisions.first_drop()->rule, "sample.seconds");
  EXPECT_EQ(samples[2].pieces[0].first, 190);
  EXPECT_EQ(samples[4].pieces[0].last, 449);
  EXPECT_EQ(samples[2].frames() + samples[3].frames() + samples[4].frames(), 260);
  for (const SamplePlan& sample : samples) EXPECT_LE(sample.frames(), 100);
  const nlohmann::json json = to_json(samples[0]);
  EXPECT_EQ(to_json(read_sample_plan(JsonReader(json), clips)), json);
  for (const auto& [key, value] : {std::pair{"clip", 6}, {"first", -1}, {"last", 40}}) {
    nlohmann::json wrong = json;
    wrong["pieces"][0][key] = value;
    expect_input_error([&] { read_sample_plan(JsonReader(wrong), clips); }, key);
  }
}

cv::Mat painted(int seed) {
  cv::RNG random(seed + 1);
  cv::Mat small(9, 16, CV_8UC3), frame;
  random.fill(small, cv::RNG::UNIFORM, 0, 255);
  cv::resize(small, frame, {320, 180}, 0, 0, cv::INTER_NEAREST);
  return frame;
}

ClipSignature signature(int seed, double noise) {
  ClipSignature signature;
  for (int i = 0; i < 3; ++i) {
    cv::Mat frame = painted(3 * seed + i), grain(frame.size(), CV_8UC3);
    cv::randu(grain, 0, 1 + noise);
    signature.frames.push_back(signature_of(frame + grain));
  }
  return signature;
}

TEST(DropDuplicates, DropsOneOfTwoThatLookAlikeAndAreAsLong) {
  std::vector<VideoClips> videos = {{"a", 10, {clip(0, 0, 99), clip(1, 100, 199)}, 0.97},
                                    {"b", 10, {clip(0, 0, 95), clip(1, 100, 299)}, 0.97}};
  videos[0].clips[0].signature = signature(1, 0);
  videos[0].clips[1].signature = signature(2, 0);
  videos[1].clips[0].signature = signature(1, 6);  // the same with grain
  videos[1].clips[1].signature = signature(1, 0);  // twice as long
  drop_duplicates(videos);
  EXPECT_TRUE(videos[0].clips[0].decisions.kept());
  EXPECT_TRUE(videos[0].clips[1].decisions.kept());
  ASSERT_FALSE(videos[1].clips[0].decisions.kept());
  EXPECT_EQ(videos[1].clips[0].decisions.first_drop()->note, "clip 0 of a");
  EXPECT_TRUE(videos[1].clips[1].decisions.kept());
}

/// Clips that look alike, one a video, with such crops and BRISQUE scores; which are kept.
std::vector<size_t> kept_of(const std::vector<std::pair<cv::Size, double>>& clips) {
  std::vector<VideoClips> videos;
  for (const auto& [size, brisque] : clips) {
    ClipRecord one = clip(0, 0, 99);
    one.crop = {{0, 0}, size};
    one.quality.brisque = brisque;
    one.signature = signature(1, 0);
    videos.push_back({std::string(1, static_cast<char>('a' + videos.size())), 10, {one}, 0.97});
  }
  drop_duplicates(videos);
  std::vector<size_t> kept;
  for (size_t i = 0; i < videos.size(); ++i)
    if (videos[i].clips[0].decisions.kept()) kept.push_back(i);
  return kept;
}

TEST(DropDuplicates, KeepsTheLargestThenTheBestThenTheFirst) {
  const cv::Size small(320, 180), large(640, 360);
  const double unknown = std::nan("");
  using Kept = std::vector<size_t>;
  EXPECT_EQ(kept_of({{small, 0.9}, {large, 0.2}, {small, 0.9}}), (Kept{1}));
  EXPECT_EQ(kept_of({{large, 0.2}, {large, 0.6}}), (Kept{1}));
  EXPECT_EQ(kept_of({{large, 0.601}, {large, 0.604}}), (Kept{0})) << "as good as the same";
  EXPECT_EQ(kept_of({{large, unknown}, {large, unknown}}), (Kept{0}));
  EXPECT_EQ(kept_of({{large, unknown}, {large, 0.1}}), (Kept{1}));
}

TEST(DropDuplicates, NamesTheOneThatIsKept) {
  std::vector<VideoClips> videos = {{"a", 10, {clip(0, 0, 99)}, 0.97},
                                    {"b", 10, {clip(7, 0, 99)}, 0.97}};
  videos[0].clips[0].crop = {0, 0, 160, 90};
  for (VideoClips& video : videos) video.clips[0].signature = signature(1, 0);
  drop_duplicates(videos);
  ASSERT_FALSE(videos[0].clips[0].decisions.kept());
  EXPECT_EQ(videos[0].clips[0].decisions.first_drop()->note, "clip 7 of b");
}

TEST(ClipSignature, SurvivesItsRecord) {
  const ClipSignature one = signature(1, 0), other = signature(2, 0);
  const nlohmann::json json = to_json(one);
  EXPECT_NEAR(read_clip_signature(JsonReader(json)).similarity(one), 1, 1e-5);
  EXPECT_LT(one.similarity(other), 0.5);
  EXPECT_TRUE(std::isnan(one.similarity({})));
}

TEST(CurateLimits, AreReadBySourceAndRefusedInOneLine) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "limits.json").string();
  testing::write_bytes(path, R"({"default": {"least_seconds": 30, "clip": {"sharpness": 5}},
                        "sources": {"movies": {"least_side": 1080, "video": {"aesthetic": 4.5}}}})");
  const SourceLimits limits = read_limits(path, {});
  EXPECT_EQ(limits.of("movies").least_side, 1080);
  EXPECT_EQ(limits.of("movies").video.aesthetic, 4.5);
  EXPECT_EQ(limits.of("movies").least_seconds, 30);
  EXPECT_EQ(limits.of("series").least_side, 720);
  EXPECT_EQ(limits.of("series").clip.sharpness, 5);
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
           {R"({"default": {"sharpnes": 3}})", "sharpnes"},
           {R"({"default": {"least_area": 2}})", "least_area"},
           {R"({"sources": {"x": {"clip": {"exposure_low": 0.9, "exposure_high": 0.1}}}})",
            "above"},
           {R"({"default": {"trim": null}})", "trim"},
           {R"({"default": {"least_area": null}})", "least_area"},
           {R"({"default": {"clip": null}})", "clip"},
           {R"({"default": null})", "default"},
           {R"({"sources": null})", "sources"},
           {R"({"default": []})", "default"}}) {
    testing::write_bytes(path, text);
    testing::expect_input_error([&] { read_limits(path, {}); }, part);
  }
}

}  // namespace
}  // namespace vidattn
