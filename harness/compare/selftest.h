#pragma once

#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/workloads/workload.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {

struct SelftestOptions {
  WorkloadRequest workload;
  std::vector<std::string> backends;  ///< taken in turn
  int64_t same = 50;                  ///< comparisons of a backend with itself
  double slowdown = 0.03;             ///< injected, as a share; 0 = no such part
  int64_t tries = 10;                 ///< comparisons with the slowdown injected
  double seconds = 4;                 ///< budget of a comparison with itself
  double slowed_seconds = 10;         ///< budget with the slowdown: compare's default
  VerdictRule rule;
  uint64_t seed = 1;
  std::string out;                     ///< JSON file; empty = none
  std::vector<std::string> arguments;  ///< the command line, for the record
};

/// What a part of the self-test, or all of it, says. In the order of their weight.
enum class Finish { passed, inconclusive, failed };
std::string to_string(Finish finish);

/// What a part's verdicts say: with `slowed` whether enough were called slower, else whether few
/// enough were called faster or slower. Only ambiguous ones say nothing.
Finish judge_part(const std::vector<Verdict>& verdicts, bool slowed, double alpha);

/// Does `compare` tell the truth on this machine, now? Compares backends with themselves, which
/// must find nothing, and with themselves slowed down by a known share, which must be found. The
/// slowdown is a busy wait after every run of B, of that share of the run's own measured time.
/// Every comparison is judged alone, without the help of an adjustment for many. Returns the exit
/// code: 0 when at most alpha of the comparisons with itself got a verdict other than same or
/// ambiguous and at least 9 of 10 slowdowns were called slower; 2 when a part is inconclusive,
/// since all of its comparisons were ambiguous; else 1.
ExitCode selftest(const SelftestOptions& options);

}  // namespace vidattn
