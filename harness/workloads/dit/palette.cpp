#include "harness/workloads/dit/palette.h"

#include <algorithm>
#include <string>

#include "attention/error.h"

namespace vidattn {

Character colour_character(Character::Kind kind, int colour) {
  constexpr double kShade = 0.6;
  if (colour < 0 || colour >= kColours)
    throw InputError("colour " + std::to_string(colour) + " of a palette of " +
                     std::to_string(kColours));
  const PaletteColour& chosen = kPalette[colour];
  const std::vector<Character> cast = make_cast(1);
  Character character = *std::ranges::find(cast, kind, &Character::kind);
  character.main = Colour(chosen.blue, chosen.green, chosen.red);
  character.second = character.main * kShade;
  return character;
}

}  // namespace vidattn
