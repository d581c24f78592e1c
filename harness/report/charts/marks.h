#pragma once

#include <cstdint>
#include <string>

namespace vidattn {

/// How a method looks in every chart: by its name alone, so that it looks the same in every run.
struct Mark {
  uint32_t colour;  ///< 0xRRGGBB, readable on white and on the page's dark ground
  int shape;        ///< 0 circle, 1 square, 2 triangle, 3 diamond
  bool filled;

  bool operator==(const Mark&) const = default;
};

/// No two methods of this program have the same mark. A name that is not in the list of marks.cpp
/// has one of the hollow marks, which it may share.
Mark mark_of(const std::string& method);

/// Whether a method is no method but the best that any could do with so many keys.
bool is_ceiling(const std::string& method);

/// "#rrggbb".
std::string css_colour(uint32_t colour);

}  // namespace vidattn
