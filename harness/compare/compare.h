#pragma once

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/measure/engine/policy.h"
#include "harness/measure/record/measurement.h"
#include "harness/report/columns.h"
#include "harness/workloads/workload.h"
#include "metrics/statistics/detectable_effect.h"

namespace vidattn {

/// What is compared, and how long.
struct CompareOptions {
  WorkloadRequest workload;
  /// Two backends, or two stored runs (FILE.json of `vidattn run --out`, or run:NAME of the store).
  /// With `binaries`: backends that both programs run.
  std::vector<std::string> sides;
  std::map<std::string, std::string> binaries;  ///< "A" and "B": paths of two vidattn programs
  std::vector<std::string> devices = {"cpu"};
  std::vector<DType> dtypes = {DType::f32};
  Pass pass = Pass::forward;      ///< what is timed
  std::vector<double> densities;  ///< solve both sides' knobs for these; empty = as given
  double seconds = 10;            ///< per case (for two programs: all cases together)
  VerdictRule rule;
  uint64_t order_seed = 1;             ///< of the order within the blocks
  std::string db;                      ///< run store; empty = the default one
  std::string out;                     ///< JSON file; empty = none
  ColumnChoice columns;                ///< figures that are printed beside the times
  std::vector<std::string> arguments;  ///< the command line, for the record
};

/// One case measured on both sides.
struct ComparedCase {
  std::string name;                          ///< what the two sides share: "cpu f32"
  Measurement a, b;                          ///< their blocks are not those of the comparison
  std::string problem;                       ///< why there is no ratio; empty = there is one
  std::vector<double> a_seconds, b_seconds;  ///< per block
  std::vector<double> log_ratios;            ///< per block
  RatioEstimate estimate;
  double adjusted_p = 1;
  Verdict verdict = Verdict::ambiguous;
  double detectable = INFINITY;  ///< minimum_detectable_effect() beside the other cases
};

/// A whole comparison. Ratios are time of B over time of A: below 1, B is faster.
struct ComparisonResult {
  std::string a, b;                       ///< what the sides are
  std::string protocol;                   ///< one sentence: how the times were taken and paired
  std::optional<WorkloadFacts> workload;  ///< nullopt = of stored runs, which have their own
  std::vector<ComparedCase> cases;
  std::vector<std::string> warnings;
  std::string failure = {};  ///< of a program that ended the measuring; empty = none
};

/// The three sources of a comparison. They throw InputError before any work when the options make
/// no sense.
ComparisonResult compare_backends(const CompareOptions& options);
ComparisonResult compare_stored_runs(const CompareOptions& options);
ComparisonResult compare_binaries(const CompareOptions& options);

/// How two sides are timed: paired_policy() with as many blocks at least as the cases need that the
/// options ask for.
Policy compare_policy(const CompareOptions& options, const std::string& label);

/// A case of two measured ones, still without times; `problem` tells when there cannot be a ratio.
ComparedCase pair_cases(const Measurement& a, const Measurement& b);

/// Fills the seconds and log ratios of a case from the blocks of B, whose control was A.
void take_blocks(ComparedCase& c, const std::vector<Block>& blocks);

/// Fills estimate, adjusted_p, verdict and detectable of every case that has log ratios. What could
/// not have been called faster or slower whatever its times, for its blocks are too few beside so
/// many cases, is undecidable, unless it is the same.
void judge_cases(std::vector<ComparedCase>& cases, const VerdictRule& rule);

/// Which cases are undecidable, and how many blocks they need; empty = none.
std::string undecidable_note(const std::vector<ComparedCase>& cases, const VerdictRule& rule);

/// Throws InputError for a figure that compare does not have.
void check_compared_columns(const ColumnChoice& choice);
/// Tables of times and of the figures chosen; JSON of everything.
void print_comparison(const ComparisonResult& result, const CompareOptions& options);
nlohmann::json comparison_record(const ComparisonResult& result, const CompareOptions& options);

/// Compares, prints, writes options.out. Returns the exit code: 0, 1 when B is slower in a case or
/// a side failed its equality check, 2 when nothing could be compared or decided, 130 after an
/// interrupt (what was measured until then is judged and written).
ExitCode compare(const CompareOptions& options);

}  // namespace vidattn
