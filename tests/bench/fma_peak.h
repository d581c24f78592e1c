#pragma once

#include <cstdint>

namespace vidattn {

/// Multiply-add peak of `threads` threads in GFLOP/s: the best of several short runs.
double fma_peak_gflops(int threads);

/// x[i] = e^(x[i] - max), with the widest vectors of this machine.
void exp_array(float* x, float max, int64_t size);

}  // namespace vidattn
