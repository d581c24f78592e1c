#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// Frames that lead into black, are black, and lead out of it.
struct Fade {
  int64_t first = 0, last = 0;
  int64_t black_first = 0, black_last = 0;  ///< the black frames among them
};

/// Fades in a stream of frame brightnesses: stretches below a threshold (PySceneDetect's threshold
/// detector) together with the falling ramp before and the rising ramp behind them. A hard cut to
/// or from black has no ramp on that side.
class FadeDetector {
 public:
  explicit FadeDetector(double threshold) : threshold_(threshold) {}
  void push(double brightness);  ///< mean of B, G and R, 0 to 255
  /// Fades so far; the last one may still go on.
  const std::vector<Fade>& fades() const { return fades_; }

 private:
  double threshold_;
  double before_ = 0;
  int64_t frames_ = 0;
  int64_t falling_since_ = 0;  ///< first frame of the current fall in brightness
  bool open_ = false;          ///< the last fade is black or rising
  std::vector<Fade> fades_;
};

}  // namespace vidattn
