#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vidattn {

/// How one shot passes into the next.
enum class Transition {
  cut,      ///< from one frame to the next
  gradual,  ///< a dissolve: frames that are mixtures of both shots
  wipe,     ///< a front moves over the picture, with one shot before it and one behind it
  fade,     ///< through black; black frames belong to no shot
};
std::string transition_name(Transition kind);

/// The end of one shot and the start of the next.
struct Boundary {
  int64_t frame = 0;  ///< first frame of the new shot; of a transition that takes time its middle
  Transition kind = Transition::cut;
  int64_t first = 0, last = -1;  ///< frames that mix both shots or are black; none if last < first
  /// Mean absolute difference of both sides, 0 to 255; 0 = not measured (fade). Of TransNetV2 the
  /// greatest probability, 0 to 1.
  double score = 0;
  /// The shots meet without a common frame; otherwise the boundary is overlapped and the frames
  /// from first to last are to be trimmed (MoGA, section 2.3).
  bool clean() const { return last < first; }
};

/// First frames of all shots, ascending from 0.
std::vector<int64_t> shot_starts(const std::vector<Boundary>& boundaries, int64_t frames);

}  // namespace vidattn
