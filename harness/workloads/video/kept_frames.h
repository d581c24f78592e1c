#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "harness/workloads/media/frame_source.h"

namespace vidattn {

/// Passes frames on and keeps them while they are few enough, so that what needs a video's length
/// and shots first does not have it decoded twice.
class KeptFrames : public FrameSource {
 public:
  /// Some seconds of 480 rows, or as many frames as a video model makes.
  static constexpr size_t kMostBytes = size_t{256} << 20;
  explicit KeptFrames(std::unique_ptr<FrameSource> frames, size_t most_bytes = kMostBytes);

  cv::Mat next() override;
  double fps() const override { return frames_->fps(); }
  int64_t frames_promised() const override { return frames_->frames_promised(); }
  std::optional<FrameTime> time() const override { return frames_->time(); }
  double share() const override { return frames_->share(); }
  std::string decoder() const override { return frames_->decoder(); }
  std::vector<std::string> notes() const override { return frames_->notes(); }

  /// All frames once more, the same pictures, not to be written to; nullptr where the end was not
  /// reached or they were more than `most_bytes`.
  std::unique_ptr<FrameSource> again() const;

 private:
  std::unique_ptr<FrameSource> frames_;
  size_t left_;  ///< bytes
  std::vector<cv::Mat> kept_;
  bool too_many_ = false, ended_ = false;
};

}  // namespace vidattn
