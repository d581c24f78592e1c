#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/workloads/media/frame_source.h"
#include "harness/workloads/media/orientation.h"

namespace vidattn {

/// A video file, read front to back: any container and codec that FFmpeg knows. Frames are turned
/// and mirrored as the file asks, of full range and by the stream's own colour matrix (colour.h).
/// A few bytes may hold hours of large frames. What can be bounded is the work between two of them,
/// after which an interrupt ends the reading: everything here throws Cancelled then.
class VideoReader : public FrameSource {
 public:
  /// Decodes on `threads` threads; 0 = as many as OpenMP has. With `key_frames_apart` it gives key
  /// frames alone (stream.h). Throws InputError when the path is no
  /// regular file, is empty, is text or a list of files, holds no readable video, is HDR, or claims
  /// more than kMostPixels (colour.h).
  explicit VideoReader(const std::string& path, int threads = 0,
                       std::optional<double> key_frames_apart = {});
  ~VideoReader() override;

  /// Throws InputError when the file cannot be read or a frame's colours cannot be converted.
  cv::Mat next() override;
  bool skip() override;
  double fps() const override;
  int64_t frames_promised() const override;
  std::optional<FrameTime> time() const override;
  double promised_seconds() const;  ///< by the header; 0 = it does not say
  /// Of the frame read last, as it is given; square before the first.
  PixelAspect pixel_aspect() const;
  double share() const override;
  std::string decoder() const override;
  std::vector<std::string> notes() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vidattn
