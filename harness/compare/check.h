#pragma once

#include <string>
#include <vector>

#include "harness/compare/ci_baseline.h"
#include "harness/host/exit_code.h"
#include "harness/suites/suite_runner.h"

namespace vidattn {

/// One figure held against the baseline's.
struct Finding {
  enum class State { ok, regression, invalid, skipped, note };
  State state;
  std::string figure;         ///< metric tag, outcome, checksum or case
  std::string expected, got;  ///< for people
  std::string message;        ///< one line; empty when it is ok
};
std::string to_string(Finding::State state);

struct CheckedCase {
  std::string key;
  std::vector<Finding> findings;
  bool again = false;  ///< its time was measured a second time

  Finding::State worst() const;  ///< regression, else invalid, skipped, note, else ok
};

struct CheckReport {
  Baseline baseline;
  Tolerances tolerances;
  StoredRun run;
  std::vector<CheckedCase> cases;

  Finding::State worst() const;
  ExitCode exit_code() const;
};

/// Holds a run against a baseline. A case that did not pass is no pass of the run, whether or not
/// the baseline has it: what went wrong with a method (is_failure()) counts as a regression, and so
/// does what passed once and is skipped or missing now; a mistrusted or interrupted case cannot be
/// judged. A skipped case that the baseline lacks is only said. Time, over full attention's and
/// over that of as many multiply-adds: a regression when its whole 95% interval lies above the
/// tolerance; it cannot be judged when the interval holds the tolerance or is wider than it. Nor is
/// it a regression where the baseline's own interval is wider than the tolerance on either side, or
/// the look before the run found the machine unfit: such a slowdown cannot be judged either.
CheckReport judge_run(const Baseline& baseline, const StoredRun& run);

struct CheckOptions {
  SuiteOptions suite;    ///< suite empty = the baseline's
  std::string baseline;  ///< file
  std::string run;       ///< judge this stored run instead of measuring; empty = measure
  std::string accept;    ///< reason: make the run the baseline; empty = compare
  bool force = false;    ///< accept times that are too uncertain, too
  std::string out, markdown, junit;  ///< files to write; empty = none
};

/// `vidattn check`: (a baseline whose times are too uncertain, see unfit_times(), is not written
/// unless forced: exit code 2) runs the suite (a case whose time is suspicious up to twice more,
/// with twice the budget each; to accept it, every case three times, and the baseline gets the
/// medians), judges it and prints the report. Returns the exit code.
ExitCode check(const CheckOptions& options);

}  // namespace vidattn
