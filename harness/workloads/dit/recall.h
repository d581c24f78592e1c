#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "harness/workloads/dit/clip.h"

namespace vidattn {

/// The palette's colour that a character has in a shot of `frames` (all pixel frames of the clip,
/// 8UC3 BGR), by analysis and synthesis: for every colour the shot of the true clip is made, with
/// the character in that colour, encoded and decoded, as no generated video can be better; the one
/// with the least squared error counts. Only pixels of the character's true mask, without its rim
/// where something is left, are compared. Throws InputError for frames of another number, type or
/// size, unknown characters or shots, and a character that is not seen in the shot.
int painted_colour(const TrainingClip& truth, int character, int64_t shot,
                   const std::vector<cv::Mat>& frames);

}  // namespace vidattn
