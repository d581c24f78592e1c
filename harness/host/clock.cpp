#include "harness/host/clock.h"

#include <fmt/chrono.h>

#include <ctime>

namespace vidattn {

double process_cpu_seconds() {
  constexpr double kNano = 1e-9;
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + kNano * static_cast<double>(used.tv_nsec);
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace vidattn
