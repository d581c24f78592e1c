#pragma once

#include <string>
#include <vector>

#include "harness/compare/ci_baseline.h"
#include "harness/host/exit_code.h"
#include "harness/suites/suite_runner.h"

namespace vidattn {

/// One figure held against the baseline's. States by their weight; a figure that is off by more
/// than allowed is better or worse by its direction in the catalogue, and changed where it has
/// none.
struct Finding {
  enum class State { ok, note, better, skipped, invalid, changed, worse };
  State state;
  std::string figure;         ///< metric tag, outcome, checksum or case
  std::string expected, got;  ///< for people
  std::string message;        ///< one line; empty when it is ok
};
std::string to_string(Finding::State state);

/// Tags of the relative times, whose verdict depends on the machine's noise.
inline constexpr const char* kJudgedTimes[] = {"ratio", "fed_ratio"};
bool is_time(const Finding& f);

struct CheckedCase {
  std::string key;
  std::vector<Finding> findings;  ///< the root cause first, then what follows of it
  bool again = false;             ///< its time was measured a second time
  bool withheld = false;          ///< its times are no ground for a verdict: they got none

  Finding::State worst() const;  ///< the heaviest; ok where nothing was found
};

struct CheckReport {
  Baseline baseline;
  Tolerances tolerances;
  StoredRun run;
  std::vector<CheckedCase> cases;

  Finding::State worst() const;
  /// 1 where something is worse, or changed and not accepted yet; what got better alone is fine.
  ExitCode exit_code() const;
};

/// Holds a run against a baseline. A case that did not pass is no pass of the run, whether or not
/// the baseline has it: what went wrong with a method (is_failure()) is worse, and so is what
/// passed once and is skipped or missing now; a mistrusted or interrupted case cannot be judged. A
/// skipped case that the baseline lacks is only said. Time, over full attention's and over that of
/// as many multiply-adds: worse when its whole 95% interval lies above the tolerance; it cannot be
/// judged when the interval holds the tolerance or is wider than it. Nor is it worse where the
/// baseline's own interval is wider than the tolerance on either side. There is no verdict on times
/// at all where the look before the run found the machine unfit, or the baseline says that its own
/// were accepted by force: such a slowdown cannot be judged either, all else is a note.
CheckReport judge_run(const Baseline& baseline, const StoredRun& run);

/// "failed: a reason".
std::string outcome_text(const Measurement& c);

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
