#include "harness/measure/engine/repetition.h"

#include <algorithm>
#include <cmath>

#include "harness/host/clock.h"

namespace vidattn {
namespace {

constexpr int64_t kMostRepeat = 1'000'000, kMostGrowth = 10;
constexpr double kAim = 1.5;

double measure_step() {
  constexpr int kSteps = 100;
  const auto start = Clock::now();
  auto last = start;
  for (int steps = 0; steps < kSteps;) {
    const auto now = Clock::now();
    steps += now != last;
    last = now;
  }
  return std::chrono::duration<double>(last - start).count() / kSteps;
}

}  // namespace

double clock_step() {
  static const double step = [] {
    constexpr int kTries = 20;  // other programs only ever add time
    double fastest = INFINITY;
    for (int i = 0; i < kTries; ++i) fastest = std::min(fastest, measure_step());
    return fastest;
  }();
  return step;
}

int64_t next_repeat(int64_t repeat, double each, double least_span) {
  if (!(each * static_cast<double>(repeat) < least_span)) return repeat;
  const double wanted = std::ceil(kAim * least_span / std::max(each, 1e-12));
  const int64_t most = std::min(kMostRepeat, kMostGrowth * repeat);
  return static_cast<int64_t>(std::min(wanted, static_cast<double>(most)));
}

}  // namespace vidattn
