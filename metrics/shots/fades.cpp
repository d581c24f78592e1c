#include "metrics/shots/fades.h"

#include <algorithm>

namespace vidattn {
namespace {

// Least change of brightness from frame to frame in a ramp: at 0.2 a fade from mid grey takes 25 s
// at 24 frames per second, so that every real one counts and coding noise does not.
constexpr double kLeastStep = 0.2;
// A larger step is a cut to or from black, not a ramp: a fade takes three frames at least.
constexpr double kMostStep = 40;

}  // namespace

void FadeDetector::push(double brightness) {
  const int64_t now = frames_++;
  const double step = now == 0 ? 0 : brightness - before_;
  before_ = brightness;
  if (step > -kLeastStep) falling_since_ = now + 1;
  if (step < -kMostStep) falling_since_ = now;
  if (brightness < threshold_) {
    if (!open_) fades_.push_back({.first = std::min(falling_since_, now), .black_first = now});
    open_ = true;
    fades_.back().last = fades_.back().black_last = now;
  } else if (open_) {
    open_ = step >= kLeastStep && step <= kMostStep;
    if (open_) fades_.back().last = now - 1;  // this frame may be the first one of full brightness
  }
}

}  // namespace vidattn
