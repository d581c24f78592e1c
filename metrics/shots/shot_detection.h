#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>
#include <vector>

#include "metrics/shots/shot_finder.h"

namespace vidattn {

enum class CutRule { content, adaptive };

/// PySceneDetect's defaults where it has the parameter; SHOTS.md says what differs from it.
struct ShotOptions {
  CutRule rule = CutRule::content;
  double threshold = 27;       ///< content: least score of a cut, 0 to 255
  double adaptive_ratio = 3;   ///< adaptive: least score over the mean of 2+2 neighbours
  double adaptive_least = 15;  ///< adaptive: least score
  int64_t min_length = 15;     ///< frames from one boundary to the next; the ends are none
  double fade_threshold = 12;  ///< mean of B, G and R below which a frame is black
  int64_t window = 24;         ///< frames within which gradual transitions are looked for; 0 = not
};

/// Finds shots in a stream of frames, in memory that does not grow with them.
///
/// Cuts: PySceneDetect's content and adaptive rules over the mean absolute difference of hue,
/// saturation and value between neighbouring frames of about 256 columns. Fades: PySceneDetect's
/// threshold on mean brightness, with the ramps on both sides. Gradual transitions: own rule; a
/// window is one when every frame in it is a linear mixture of its two ends (gradual.h), or a wipe
/// when its lines change one after the other (wipes.h).
class ShotDetector : public ShotFinder {
 public:
  /// Throws InputError for options outside their range.
  explicit ShotDetector(const ShotOptions& options = {});
  ~ShotDetector() override;
  ShotDetector(ShotDetector&&) noexcept;

  void push(const cv::Mat& frame) override;

  int64_t frames() const;
  /// Content score of the last frame pushed: its difference from the one before.
  double score() const;
  /// At least min_length apart.
  std::vector<Boundary> boundaries() const override;
  /// Those closer than min_length: second cuts and the ends of flashes.
  std::vector<Boundary> suppressed() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vidattn
