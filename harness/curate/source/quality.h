#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <string>

#include "harness/curate/record/decision.h"
#include "harness/curate/record/limits.h"
#include "harness/videos/backbones.h"
#include "metrics/video/imaging_quality.h"

namespace vidattn {

/// Means over the frames judged (imaging_quality.h); NaN where nothing says it.
struct QualityFigures {
  double sharpness = std::nan(""), exposure = std::nan(""), contrast = std::nan("");
  double clipped = std::nan("");  ///< share of pixels black or white, the greater of both
  double noise = std::nan(""), blockiness = std::nan("");
  double brisque = std::nan(""), aesthetic = std::nan("");
  int64_t frames = 0;
};

nlohmann::json to_json(const QualityFigures& figures);
QualityFigures read_quality_figures(const JsonReader& json);

/// Appends what the limits say; the rules are named "source.sharpness" and so on.
void judge_quality(const QualityFigures& figures, const QualityLimits& limits,
                   const std::string& of, Decisions& decisions);

/// Judges frames. Only what lies within `area` counts, so that black borders do not.
class QualityJudge {
 public:
  /// `networks` may be empty; an aesthetic head among them is asked (backbones.h).
  explicit QualityJudge(const Backbones& networks);
  ~QualityJudge();

  /// 8UC3 BGR. `slowly`: BRISQUE and networks, too, which take a hundred times as long.
  void add(const cv::Mat& frame, const cv::Rect& area, bool slowly);
  QualityFigures figures() const;

 private:
  QualityFigures sums_;
  ImagingQuality brisque_{1};
  std::unique_ptr<VideoMetric> aesthetic_;
};

}  // namespace vidattn
