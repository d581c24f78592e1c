#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "attention/device.h"
#include "harness/host/clock.h"

namespace vidattn {

/// Seconds that one run took; 0 for what is not timed.
struct RunTimes {
  double plan = 0, run = 0;
  DeviceTimes device = {};  ///< of the run; zeros where it was on the host
  double cpu = NAN;         ///< of all threads of this process, all that is timed; NaN = unknown
  double backward = 0;
  std::vector<RunTimes> kinds = {};  ///< whose mean this is: of each kind of layer; else empty

  double seconds() const { return plan + kernels(); }
  double kernels() const { return run + backward; }
};

/// One of the things that are timed against each other.
struct Contender {
  std::string name;
  /// Does its work `repeat` times in a row and tells what one took, for every case that the work
  /// covers: one, except where it is a process that measures several. It reads the clock itself,
  /// so that only it knows what belongs to its time. Throws Cancelled after an interrupt; anything
  /// else that it throws ends this contender and no other.
  std::function<std::vector<RunTimes>(int64_t repeat)> run;
};

/// Seconds of one `work`, from one reading of the clock before `repeat` of them and one after.
template <class Work>
double seconds_each(int64_t repeat, const Work& work) {
  const auto start = Clock::now();
  for (int64_t i = 0; i < repeat; ++i) work();
  return seconds_since(start) / static_cast<double>(repeat);
}

/// What one piece of work took.
struct Elapsed {
  double seconds = 0;  ///< by the clock on the wall
  double cpu = 0;      ///< seconds of all threads of this process, waiting ones that spin included
};

/// seconds_each() with the CPU time beside it, which is read outside of the time.
template <class Work>
Elapsed elapsed_each(int64_t repeat, const Work& work) {
  const double before = process_cpu_seconds();
  const double seconds = seconds_each(repeat, work);
  return {seconds, (process_cpu_seconds() - before) / static_cast<double>(repeat)};
}

}  // namespace vidattn
