#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/io/json_reader.h"

namespace vidattn {

/// Time since boot of the CPUs that this process may use, in clock ticks, from /proc/stat; zero
/// where the system does not tell. busy: of programs and the kernel.
struct CpuTicks {
  int64_t total = 0, busy = 0, stolen = 0;
};
CpuTicks cpu_ticks();
/// Share of the time between two readings that the hypervisor gave to others; 0 when unknown.
double stolen_share(const CpuTicks& from, const CpuTicks& to);
/// How many of these CPUs other programs held, on average, while this process got `own_seconds` of
/// CPU time; 0 when unknown.
double cpus_of_others(const CpuTicks& from, const CpuTicks& to, double own_seconds);

/// One look at whether this machine can be measured on now.
struct PreflightCheck {
  enum class State { pass, warn, invalid };
  std::string name;  ///< load, steal, governor, throttling, noise
  State state;
  std::string message;  ///< what was found, and what would be right
};

/// Takes about half a second of full load: a burst of multiply-adds on all threads, again and
/// again.
///   load        1-minute load average per core, before the burst   warn > 0.5; never invalid,
///               because it looks back: noise tells whether the others still run
///   steal       share of time the hypervisor gave to others         warn > 1%, invalid > 20%
///   governor    of the CPU frequency                                warn unless performance
///   throttling  the second half's best burst against the first's    warn > 5% slower, invalid >
///   25% noise       median burst against the best one                   warn > 5% slower, invalid
///   > 50%
/// What the system does not tell passes, and the message says so. Thresholds are choices: blocks
/// are paired, so a warning costs time rather than truth.
std::vector<PreflightCheck> preflight();

std::string to_string(PreflightCheck::State state);
nlohmann::json to_json(const std::vector<PreflightCheck>& checks);
/// Those of a record: what to_json() makes, or null for none. Throws InputError for anything else.
std::vector<PreflightCheck> preflight_from_json(const JsonReader& json);
/// One line: "preflight: pass", or what is not as it should be. Empty where none was made.
std::string preflight_line(const std::vector<PreflightCheck>& checks);
/// Whether a check is invalid.
bool preflight_invalid(const std::vector<PreflightCheck>& checks);

}  // namespace vidattn
