#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "harness/workloads/dit/clip.h"
#include "harness/workloads/dit/palette.h"

namespace vidattn {

/// The corner of the colours' cube across from a palette's colour.
constexpr int opposite_colour(int colour) { return (colour + kColours / 2) % kColours; }

/// What a painted shot has of the colour that a character has in a given one.
struct ColourRecall {
  /// Index in kPalette of the colour whose change is most like the painted one; -1 where nothing
  /// changed.
  int colour = -1;
  double kept = 0;  ///< of the true change: 1 all of it, 0 nothing, below 0 the opposite
};

/// Compares two videos that were painted from the same noise: `frames` with the character as the
/// clip has it in the given shots, `opposite` with it in the opposite colour there. All else is
/// alike, so what differs between them is what was recalled: neither where the character is
/// painted nor how blurred, nor what is behind it, counts as a colour. Of each video the mean
/// colour in the character's true mask over the shot is taken, and the same of the true clip in
/// every colour, encoded and decoded as the painted ones are. Both videos hold all pixel frames of
/// the clip, 8UC3 BGR. Throws InputError for frames of another number, type or size, unknown
/// characters or shots, and a character that is not seen in the shot.
ColourRecall recalled_colour(const TrainingClip& truth, int character, int64_t shot,
                             const std::vector<cv::Mat>& frames,
                             const std::vector<cv::Mat>& opposite);

}  // namespace vidattn
