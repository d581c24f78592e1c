#pragma once

#include <cmath>
#include <numbers>

namespace vidattn {

inline double cos_of(double degrees) { return std::cos(degrees * std::numbers::pi / 180); }

}  // namespace vidattn
