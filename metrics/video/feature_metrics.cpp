#include "metrics/video/feature_metrics.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

// A character smaller than this share of the frame is too small to be recognized.
constexpr double kSmallestCharacter = 0.002;

cv::Mat mask_of(Region region, cv::Size size) {
  if (region == Region::whole) return {};
  cv::Mat mask = cv::Mat::zeros(size, CV_8UC1);
  // Half the area of the frame: pi a b = w h / 2 with a/w = b/h.
  const double axis = std::sqrt(0.5 / CV_PI);
  cv::ellipse(mask, {size.width / 2, size.height / 2},
              {cvRound(axis * size.width), cvRound(axis * size.height)}, 0, 0, 360, 255,
              cv::FILLED);
  if (region == Region::border) cv::bitwise_not(mask, mask);
  return mask;
}

const char* text(Region region) {
  switch (region) {
    case Region::centre:
      return "central ellipse of half the frame";
    case Region::border:
      return "outside of the central ellipse of half the frame";
    default:
      return "whole frame";
  }
}

std::string count(double n, const std::string& of) {
  return std::to_string(static_cast<int64_t>(n)) + " " + of;
}

}  // namespace

FeatureMetrics::FeatureMetrics(std::shared_ptr<const FrameDescriptor> descriptor,
                               FeatureScores wanted, VideoInfo video)
    : descriptor_(std::move(descriptor)),
      wanted_(std::move(wanted)),
      video_(std::move(video)),
      consistency_(wanted_.consistency.size()),
      long_range_(video_.frames) {}

/// Whether the current frame is one of its shot's that are compared with other shots.
bool FeatureMetrics::takes_part(int shot) {
  if (wanted_.cross_shot.empty() || video_.shots.size() < 2) return false;
  if (shot != shot_) {
    const auto next = static_cast<size_t>(shot) + 1;
    const int64_t end = next < video_.shots.size() ? video_.shots[next] : video_.frames;
    shot_frames_ = shot_frames(video_.shots[shot], end, wanted_.frames_per_shot);
    shot_ = shot;
  }
  return std::find(shot_frames_.begin(), shot_frames_.end(), frame_) != shot_frames_.end();
}

void FeatureMetrics::add(const cv::Mat& frame, int shot) {
  const bool crosses = takes_part(shot), drifts = long_range_.wants_next();
  const bool keeps_range = drifts && !wanted_.long_range.empty();
  if (frame_ == 0)
    for (const RegionScore& score : wanted_.consistency)
      regions_.push_back(mask_of(score.region, frame.size()));
  std::vector<cv::Mat> regions = regions_;
  if (crosses || keeps_range) regions.emplace_back();
  if (!regions.empty()) {
    std::vector<Feature> features = descriptor_->describe(frame, regions);
    if (crosses) cross_shot_.add(features.back(), shot);
    if (keeps_range) long_range_.add(features.back());
    for (size_t i = 0; i < consistency_.size(); ++i) consistency_[i].add(std::move(features[i]));
  }
  if (crosses && video_.identity) add_identities(frame, video_.identity(frame_), shot);
  ++frame_;
}

void FeatureMetrics::add_identities(const cv::Mat& frame, const cv::Mat& identity, int shot) {
  double highest = 0;
  cv::minMaxLoc(identity, nullptr, &highest);
  for (int character = 1; character <= static_cast<int>(highest); ++character) {
    const cv::Mat mask = identity == character;
    if (cv::countNonZero(mask) < kSmallestCharacter * static_cast<double>(mask.total())) continue;
    const Feature feature = descriptor_->describe(frame, {mask}).front();
    any_character_.add(feature, shot);
    characters_[character].add(feature, shot);
  }
}

std::vector<VideoScore> FeatureMetrics::scores() const {
  std::vector<VideoScore> scores;
  for (size_t i = 0; i < consistency_.size(); ++i) {
    VideoScore score{.name = wanted_.consistency[i].name, .value = consistency_[i].value()};
    score.note = "VBench's formula on every frame, " +
                 std::string(text(wanted_.consistency[i].region)) + "; " + descriptor_->protocol();
    score.weight = static_cast<double>(consistency_[i].pairs());
    if (consistency_[i].pairs() == 0) score.note = "undefined: needs two frames";
    scores.push_back(std::move(score));
  }
  if (!wanted_.cross_shot.empty()) add_cross_shot_scores(scores);
  if (!wanted_.long_range.empty()) scores.push_back(long_range_score());
  return scores;
}

void FeatureMetrics::add_cross_shot_scores(std::vector<VideoScore>& scores) const {
  VideoScore all{.name = wanted_.cross_shot, .value = cross_shot_.all()};
  VideoScore adjacent{.name = wanted_.cross_shot + ".adjacent", .value = cross_shot_.adjacent()};
  if (cross_shot_.pairs() == 0) {
    all.note = adjacent.note = "undefined: needs two shots";
  } else {
    const std::string protocol = "K = " + std::to_string(wanted_.frames_per_shot) +
                                 " evenly spaced frames per shot, mean cosine over all pairs from ";
    all.note = protocol + "different shots; " + descriptor_->protocol();
    adjacent.note = protocol + "adjacent shots; " + descriptor_->protocol();
  }
  scores.push_back(std::move(all));
  scores.push_back(std::move(adjacent));
  if (video_.identity) scores.push_back(identity_score());
}

VideoScore FeatureMetrics::identity_score() const {
  VideoScore score{.name = wanted_.cross_shot + ".identity"};
  double sum = 0, pairs = 0;
  for (const auto& [character, consistency] : characters_) {
    sum += consistency.sum();
    pairs += consistency.pairs();
  }
  const double others = any_character_.pairs() - pairs;
  if (pairs == 0) {
    score.note = "undefined: no character is seen in two shots";
    return score;
  }
  score.value = sum / pairs;
  if (others > 0) score.details["other_characters"] = (any_character_.sum() - sum) / others;
  score.note = "K = " + std::to_string(wanted_.frames_per_shot) +
               " frames per shot, masked to each character, mean cosine over " +
               count(pairs, "pairs of the same character from different shots; ") +
               descriptor_->protocol();
  return score;
}

VideoScore FeatureMetrics::long_range_score() const {
  VideoScore score{.name = wanted_.long_range, .series = long_range_.by_distance()};
  score.value = LongRangeConsistency::far(score.series);
  if (score.series.empty()) {
    score.note = "undefined: needs two frames";
    return score;
  }
  score.note = "mean cosine of frames at least half of the video apart, one frame in " +
               std::to_string(long_range_.stride()) +
               "; the series is the similarity by distance; " + descriptor_->protocol();
  score.details["drop"] = score.series.front() - score.value;
  const auto stride = static_cast<double>(long_range_.stride());
  score.details["step_frames"] = stride;
  if (video_.fps > 0) score.details["step_seconds"] = stride / video_.fps;
  return score;
}

}  // namespace vidattn
