#pragma once

#include <cstdint>
#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <string>
#include <vector>

#include "metrics/shots/shot_detection.h"

namespace vidattn {

/// Keeps OpenCV's and FFmpeg's own messages off the terminal; errors are told by exceptions.
void quiet_video_logs();

/// Frames of one video, front to back.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  /// The next frame (8UC3, BGR), or an empty one at the end.
  virtual cv::Mat next() = 0;
  /// Passes over the next frame; false at the end.
  virtual bool skip() { return !next().empty(); }
  virtual double fps() const = 0;
  /// How many there should be, which can be an estimate; 0 = unknown.
  virtual int64_t frames_promised() const = 0;
};

/// A video file, read front to back. Any container and codec that OpenCV's FFmpeg knows.
class VideoReader : public FrameSource {
 public:
  /// Throws InputError when the path is no file, is empty, is text, holds no readable video, or
  /// claims more than kMostPixels (picture.h).
  explicit VideoReader(const std::string& path);

  cv::Mat next() override;
  bool skip() override { return capture_.grab(); }

  double fps() const override { return fps_; }
  int64_t frames_promised() const override { return frames_promised_; }

 private:
  std::string path_;
  cv::VideoCapture capture_;
  double fps_ = 0;
  int64_t frames_promised_ = 0;
};

/// What a pass over the whole file found.
struct VideoSurvey {
  int64_t frames = 0, height = 0, width = 0;
  double fps = 0;
  std::vector<int64_t> shots = {0};       ///< first frames, in the file's own frames
  std::vector<Boundary> boundaries = {};  ///< between the shots, and fades at both ends
};

/// Reads the whole file once, in constant memory. Throws InputError as VideoReader does, and when
/// less than 90% of the promised frames can be read (a damaged file) or the frames change their
/// size. `progress` is called after every frame with the share read (0 where the file does not say
/// its length) and may be empty; what it throws ends the pass.
VideoSurvey survey_video(const std::string& path, const std::function<void(double)>& progress = {},
                         const ShotOptions& options = {});
/// The same of any frames; `path` is for messages.
VideoSurvey survey_frames(FrameSource& frames, const std::string& path,
                          const std::function<void(double)>& progress = {},
                          const ShotOptions& options = {});

/// Throws InputError when only `frames` frames could be read, less than 90% of those promised: the
/// file is damaged.
void require_promised_frames(const FrameSource& source, int64_t frames, const std::string& path);

/// Which frames of a file stand for a video of `wanted` frames: evenly spread over the whole file,
/// so that all its shots appear. frame(i) = floor(i * stride).
struct FrameSampling {
  int64_t wanted = 0;
  double stride = 1;  ///< file frames per sampled frame, at least 1
  int64_t frame(int64_t i) const;
};

/// `available` must be at least `wanted`. With up to three frames more, which fill no latent frame,
/// the stride stays 1 and they are dropped at the end.
FrameSampling sample_frames(int64_t available, int64_t wanted);

/// Shot starts among the sampled frames, from those in the file's own frames: each is the first
/// sampled frame that is not before the cut.
std::vector<int64_t> sampled_shots(const std::vector<int64_t>& shots,
                                   const FrameSampling& sampling);

}  // namespace vidattn
