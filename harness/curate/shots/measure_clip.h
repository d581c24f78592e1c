#pragma once

#include <functional>
#include <map>
#include <memory>
#include <opencv2/core.hpp>
#include <vector>

#include "harness/curate/shots/clip_record.h"
#include "harness/curate/shots/look_meter.h"
#include "harness/curate/source/judge_source.h"
#include "harness/curate/text/text_finder.h"
#include "harness/curate/text/text_tracks.h"

namespace vidattn {

/// What clips are measured with.
struct ClipTools {
  const CurateLimits& limits;
  const Backbones& networks;
  TextFinder* finder = nullptr;  ///< nullptr = no text is looked for
};

/// Measures one clip from some of its frames: quality at two frames a second, text and motion at
/// one pair of frames a second, at most kMostSamples of each, whatever the clip's length. Only the
/// first frames of pairs are kept, until the second.
class ClipMeter {
 public:
  static constexpr int64_t kMostSamples = 48;

  ClipMeter(const ClipSpan& span, double fps, const SourceReport& source, const ClipTools& tools);

  /// Whether the frame is looked at. Frames that are may come in order only.
  bool wants(int64_t frame) const { return wanted_.count(frame) > 0; }
  void add(int64_t number, const cv::Mat& frame);

  /// All but number and picture, decided.
  ClipRecord record() const;
  const cv::Mat& middle() const { return middle_; }  ///< a small picture of the middle frame

 private:
  enum Use : unsigned {
    quality = 1,
    first_of_pair = 2,
    second_of_pair = 4,
    described = 8,
    at_middle = 16
  };
  void plan();
  struct First {
    cv::Mat frame, luma;
  };
  void add_second(int64_t number, const cv::Mat& luma);
  std::vector<ClipMark> marks() const;

  ClipSpan span_;
  double fps_;
  const SourceReport& source_;
  ClipTools tools_;
  std::map<int64_t, unsigned> wanted_;
  int64_t apart_ = 1;  ///< frames from the first of a pair to the second
  QualityJudge judge_;
  LookMeter look_;
  std::map<int64_t, First> firsts_;  ///< of pairs
  std::vector<TextSighting> sightings_;
  ClipSignature signature_;
  cv::Mat middle_;
};

/// Measures the clips of a video that `done` does not know, in one pass over it, and gives each to
/// `take` as soon as it is there. Throws as segment_video().
void measure_clips(const std::string& path, const Segmentation& segmentation,
                   const SourceReport& source, const ClipTools& tools,
                   const std::function<bool(int64_t)>& done,
                   const std::function<void(ClipRecord, const cv::Mat&)>& take);

}  // namespace vidattn
