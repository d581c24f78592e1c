#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

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

/// How one shot passes into the next.
enum class Transition {
  cut,      ///< from one frame to the next
  gradual,  ///< a dissolve: frames that are mixtures of both shots
  fade,     ///< through black; black frames belong to no shot
};
std::string transition_name(Transition kind);

/// The end of one shot and the start of the next.
struct Boundary {
  int64_t frame = 0;  ///< first frame of the new shot; of a gradual transition or fade its middle
  Transition kind = Transition::cut;
  int64_t first = 0, last = -1;  ///< frames that mix both shots or are black; none if last < first
  double score = 0;  ///< mean absolute difference of both sides, 0 to 255; 0 = not measured (fade)
  /// The shots meet without a common frame; otherwise the boundary is overlapped and the frames
  /// from first to last are to be trimmed (MoGA, section 2.3).
  bool clean() const { return last < first; }
};

/// Finds shots in a stream of frames, in memory that does not grow with them.
///
/// Cuts: PySceneDetect's content and adaptive rules over the mean absolute difference of hue,
/// saturation and value between neighbouring frames of about 256 columns. Fades: PySceneDetect's
/// threshold on mean brightness, with the ramps on both sides. Gradual transitions: own rule; a
/// window is one when every frame in it is a linear mixture of its two ends (gradual.h).
class ShotDetector {
 public:
  /// Throws InputError for options outside their range.
  explicit ShotDetector(const ShotOptions& options = {});
  ~ShotDetector();
  ShotDetector(ShotDetector&&) noexcept;

  /// The next frame, 8UC3 BGR; all frames must be of one size.
  void push(const cv::Mat& frame);

  int64_t frames() const;
  /// Content score of the last frame pushed: its difference from the one before.
  double score() const;
  /// Boundaries so far, ascending and at least min_length apart. A fade in at the start of the
  /// video has frame 0 and one out at its end the number of frames.
  std::vector<Boundary> boundaries() const;
  /// What would be boundaries were they not closer than min_length to one of those, ascending:
  /// second cuts and the ends of flashes. None lies inside a transition of boundaries().
  std::vector<Boundary> suppressed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// First frames of all shots, ascending from 0.
std::vector<int64_t> shot_starts(const std::vector<Boundary>& boundaries, int64_t frames);

}  // namespace vidattn
