#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <vector>

#include "harness/curate/record/limits.h"
#include "harness/curate/shots/clip_record.h"

namespace vidattn {

/// A stretch of a clip in a sample; both ends belong to it.
struct SamplePiece {
  int64_t clip = 0;  ///< number in the video
  int64_t first = 0, last = 0;
  cv::Rect crop;

  int64_t frames() const { return last - first + 1; }
};

/// Clips of one video that follow each other, to be one training sample.
struct SamplePlan {
  std::vector<SamplePiece> pieces;
  cv::Size size;  ///< of its frames: the smallest crop's, to which the others are shrunk

  int64_t frames() const;
  std::vector<int64_t> shot_starts() const;  ///< first frame of every piece in the sample
};

/// Joins kept clips in order while they follow each other (a dropped one between them ends a
/// sample) and fit into most_seconds. A clip longer than that is cut into equal parts, which are
/// samples of their own. What is shorter than least_sample_seconds is no sample; its clips get the
/// rule sample.seconds.
std::vector<SamplePlan> plan_samples(std::vector<ClipRecord>& clips, double fps,
                                     const CurateLimits& limits);

nlohmann::json to_json(const SamplePlan& plan);
/// Throws InputError for what is no plan of these clips.
SamplePlan read_sample_plan(const JsonReader& json, const std::vector<ClipRecord>& clips);

}  // namespace vidattn
