#pragma once

#include <chrono>
#include <string>

namespace vidattn {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Seconds since `from`, which becomes now.
inline double lap(Clock::time_point& from) {
  const double seconds = seconds_since(from);
  from = Clock::now();
  return seconds;
}

/// CPU time that all threads of this process have used until now, in seconds.
double process_cpu_seconds();

/// Now, in UTC: 2026-01-31T23:59:59Z.
std::string utc_now();

}  // namespace vidattn
