#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "metrics/model/dit_model.h"

namespace vidattn {

/// Measured throughput of a linear layer.
struct GemmRate {
  std::string name;
  int64_t rows = 0, in = 0, out = 0;
  double gflops = 0;  ///< best of the runs
};

/// OpenBLAS (float32, all threads) at the shapes of a block's linear layers: `rows` tokens, d to d,
/// d to f and f to d. A product over few rows is checked against plain sums first; throws
/// std::runtime_error when it is wrong.
std::vector<GemmRate> measure_gemms(const DitModel& model, int64_t rows, int repeat);

/// Rate of all linear layers together, weighted by their FLOPs in a block: projections d to d, and
/// the FFN.
double mean_rate(const std::vector<GemmRate>& rates, const DitModel& model);

}  // namespace vidattn
