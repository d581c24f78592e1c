#pragma once

// What the kernels are not compiled for; to be included before Highway. SSSE3 is too old to matter;
// vectors of a size unknown to the compiler cannot form register tiles.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
