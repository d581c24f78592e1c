#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/workloads/film/canvas.h"

namespace vidattn {

enum class Action : uint8_t { idle, walk, wave, jump };

/// What a character does at one moment.
struct Pose {
  cv::Point2d feet;    ///< world point it stands on
  double size = 0.55;  ///< standing height, world units
  double facing = 1;   ///< 1 looks right, -1 left
  double seconds = 0;  ///< time within the action
  Action action = Action::idle;
};

/// A character of the film: the same shape, colours and markings in every shot.
struct Character {
  enum class Kind : uint8_t { boy, girl, dog, robot };
  Kind kind = Kind::boy;
  Colour skin, main, second, dark;
};

/// The cast of a seed; character i has identity i + 1.
std::vector<Character> make_cast(uint64_t seed);

void draw(const Character& character, const Pose& pose, Canvas& canvas);

}  // namespace vidattn
