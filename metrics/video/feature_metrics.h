#pragma once

#include <map>
#include <memory>

#include "metrics/video/consistency.h"
#include "metrics/video/video_info.h"
#include "metrics/video/video_metric.h"

namespace vidattn {

/// Part of the picture that a consistency score looks at.
enum class Region {
  whole,
  centre,  ///< an ellipse of half the frame's area, where a picture's subject tends to be
  border,  ///< the rest
};

struct RegionScore {
  std::string name;
  Region region = Region::whole;
};

/// Which scores a descriptor gives, and under which names; an empty name leaves the score out.
struct FeatureScores {
  std::vector<RegionScore> consistency;  ///< FrameConsistency, on every frame
  std::string cross_shot;  ///< also `.adjacent`, and `.identity` where masks are known
  std::string long_range;
  int64_t frames_per_shot = 5;  ///< that take part in cross_shot
};

/// All scores that compare features of frames, so that each frame is described once.
///
/// Cross-shot scores are undefined below two shots. Where characters are known, `.identity`
/// compares the same character across shots, masked to it; its detail `other_characters` is the
/// mean over different characters, which a score of identity has to be seen against.
class FeatureMetrics : public VideoMetric {
 public:
  FeatureMetrics(std::shared_ptr<const FrameDescriptor> descriptor, FeatureScores wanted,
                 VideoInfo video);

  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  bool takes_part(int shot);
  void add_identities(const cv::Mat& frame, const cv::Mat& identity, int shot);
  void add_cross_shot_scores(std::vector<VideoScore>& scores) const;
  VideoScore long_range_score() const;
  VideoScore identity_score() const;

  std::shared_ptr<const FrameDescriptor> descriptor_;
  FeatureScores wanted_;
  VideoInfo video_;
  int64_t frame_ = 0;
  std::vector<cv::Mat> regions_;  ///< of the consistency scores
  std::vector<FrameConsistency> consistency_;
  CrossShotConsistency cross_shot_, any_character_;
  std::map<int, CrossShotConsistency> characters_;
  LongRangeConsistency long_range_;
  std::vector<int64_t> shot_frames_;  ///< of the current shot
  int shot_ = -1;
};

}  // namespace vidattn
