#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

namespace vidattn {

/// The places of the film: a park, a living room, a street at night and a beach at sunset.
constexpr int kPlaces = 4;
/// World units that a place is high, and where its floor begins.
constexpr double kPlaceHeight = 1.25, kHorizon = 0.8;

/// A place's whole picture (8UC3), `width` world units wide with `scale` pixels per unit. It is
/// drawn once; the camera then moves over it. `place` is below kPlaces.
cv::Mat draw_place(int place, uint64_t seed, double width, double scale);

}  // namespace vidattn
