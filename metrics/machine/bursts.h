#pragma once

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace vidattn {

/// Best rate of several bursts of about 1 ms, for 50 ms together, in units of work per second over
/// all threads. `burst(rounds, sink)` does its rounds on the calling thread, leaves a result in
/// *sink and returns its work. Timed from the first thread's start to the last one's end: threads
/// that ran one after the other must not look parallel.
template <class Burst>
double best_rate([[maybe_unused]] int threads, Burst burst) {
  // Long against starting a burst, and short against the time slices of other programs, so that
  // some bursts escape them.
  constexpr int64_t kRounds = 250'000;
  constexpr double kSeconds = 0.05;
  double best = 0, spent = 0;
  while (spent < kSeconds) {
    double work = 0, start = HUGE_VAL, end = 0;
#pragma omp parallel num_threads(threads) reduction(+ : work) reduction(min : start) \
    reduction(max : end)
    {
#pragma omp barrier
      start = omp_get_wtime();
      volatile float result = 0;
      float sink = 0;
      work = burst(kRounds, &sink);
      result = sink;  // an unused result would be optimized away
      (void)result;
      end = omp_get_wtime();
    }
    best = std::max(best, work / (end - start));
    spent += end - start;
  }
  return best;
}

}  // namespace vidattn
