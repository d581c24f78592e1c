#pragma once

#include <array>
#include <cstdint>

#include "harness/workloads/film/cast.h"

namespace vidattn {

/// A colour that a character of a training clip can have; 0 to 255.
struct PaletteColour {
  const char* name;
  uint8_t blue, green, red;
};

/// The corners of the RGB cube but for black and white, a little inside of it, so that a shot's
/// light does not clip them.
constexpr std::array<PaletteColour, 6> kPalette = {{{"red", 25, 25, 215},
                                                    {"yellow", 25, 205, 225},
                                                    {"green", 40, 175, 30},
                                                    {"cyan", 220, 200, 20},
                                                    {"blue", 220, 50, 30},
                                                    {"magenta", 205, 35, 215}}};
constexpr int kColours = kPalette.size();

/// A character whose clothes (or fur, or metal) have the palette's colour and a darker shade of it.
/// Skin, hair and what else is dark are as make_cast() has them. Throws InputError for a colour
/// outside of the palette.
Character colour_character(Character::Kind kind, int colour);

}  // namespace vidattn
