#pragma once

#include <cstdint>
#include <string>

#include "attention/grid.h"

namespace vidattn {

/// Number of real text tokens; the slots after them are padding. `text_length` and `text_max` are
/// what the method's parameters say of the real tokens and of all slots, -1 = what the grid has.
/// Throws InputError naming `method` where they contradict the grid.
int64_t real_text(const VideoGrid& grid, int64_t text_length, int64_t text_max,
                  const std::string& method);

}  // namespace vidattn
