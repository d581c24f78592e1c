#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace vidattn {

/// One timed block of a case's process: up to 16 rounds, in each of which every backend of the
/// process and full attention (the dense control) ran once, in random order. The times are the
/// fastest run's of either, because other programs only ever add time. Cases of one process share
/// blocks by `index`.
struct Block {
  int64_t index = 0;                         ///< from 0, without warm-up
  double plan_seconds = 0, run_seconds = 0;  ///< of the case's forward pass
  double dense_seconds = 0;                  ///< seconds() of the dense control; NaN = none
  double peak_flops = 0;  ///< latest measured peak for the storage type, FLOP/s; 0 = unknown
  int64_t position = 0, dense_position = 0;  ///< place in the first round, from 0
  std::string outlier = {};  ///< class of the ratio: "", mild or severe; never left out
  /// Of all threads of the process, in the run whose times these are; NaN = unknown.
  double cpu_seconds = NAN;
  double backward_seconds = 0;  ///< of the backward pass; 0 = it was not timed

  /// Of what the case's pass times: what a backward pass alone needs before it is 0.
  double seconds() const { return plan_seconds + kernel_seconds(); }
  double kernel_seconds() const { return run_seconds + backward_seconds; }  ///< without planning
  double ratio() const { return seconds() / dense_seconds; }  ///< below 1: faster than full
};

/// Natural logarithms of the blocks' ratios, without those that have no dense control.
std::vector<double> log_ratios(const std::vector<Block>& blocks);

/// Classes the ratios by Tukey's fences on their logarithms: mild beyond 1.5 interquartile ranges
/// outside of the quartiles, severe beyond 3.
void class_outliers(std::vector<Block>& blocks);

}  // namespace vidattn
