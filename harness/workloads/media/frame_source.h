#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

namespace vidattn {

/// When a frame is shown, in seconds from the first frame on.
struct FrameTime {
  double from = 0, to = 0;
};

/// Frames of one video, front to back.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  /// The next frame (8UC3, BGR), or an empty one at the end.
  virtual cv::Mat next() = 0;
  /// Passes over the next frame; false at the end.
  virtual bool skip() { return !next().empty(); }
  /// Frames per second, of the whole where they vary; 0 = unknown.
  virtual double fps() const = 0;
  /// How many frames there should be; 0 = nothing says it. A video that ends before the time that
  /// its header promises has an estimate once its end is reached.
  virtual int64_t frames_promised() const = 0;
  /// Of the frame read last; nothing = even steps of 1/fps().
  virtual std::optional<FrameTime> time() const { return {}; }
  /// Share of the whole that is read, 0 to 1, as far as it is known.
  virtual double share() const { return 0; }
  /// FFmpeg's name of what decodes them; empty for pictures and films.
  virtual std::string decoder() const { return {}; }
  /// What a user should know of the frames read so far, a sentence each without a full stop.
  virtual std::vector<std::string> notes() const { return {}; }
};

}  // namespace vidattn
