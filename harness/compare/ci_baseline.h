#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "harness/measure/record/catalogue.h"
#include "harness/store/run.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {

/// How far a figure may be from the baseline's, as a share of it. Time may only be missed by being
/// slower; everything else must match in both directions.
struct Tolerances {
  double exact = 0;         ///< figures of the catalogue that are exact
  double fidelity = 1e-4;   ///< those of fidelity; and never less than kLeastError
  bool checksum = true;     ///< of the plan
  double ratio = 0.05;      ///< time over full attention's
  double fed_ratio = 0.07;  ///< time over that of as many multiply-adds

  /// Of a figure that must match, by its kind: how far it may be from `expected`.
  double of(MetricKind kind, double expected) const;

  /// Differences of fidelity figures that float32 sums make by themselves.
  static constexpr double kLeastError = 1e-6;
};

/// What a case was when it was last accepted.
struct BaselineCase {
  std::map<std::string, double> figures;  ///< deterministic, by metric tag
  std::string checksum;
  double ratio = NAN, fed_ratio = NAN;
  Interval ratio_interval = {NAN, NAN}, fed_ratio_interval = {NAN, NAN};  ///< NaN = unknown
  std::optional<CaseIdentity> identity = {};  ///< nullopt in files that have none
  /// Why its times, accepted by force, are no ground for a verdict. Empty when they are one.
  std::string unfit = {};
};

/// The accepted figures of a suite, in a JSON file under version control.
struct Baseline {
  std::string suite, updated, revision, machine_key;
  nlohmann::json platform;    ///< what decides on the last bits: SIMD target, BLAS core, threads
  nlohmann::json definition;  ///< the suite's
  nlohmann::json accepted = nlohmann::json::array();  ///< {date, reason, revision, machine_key}
  std::map<std::string, BaselineCase> cases;          ///< by key
  std::string unfit = {};                             ///< as a case's, for the times of all

  /// The accepted case that a measured one is: of the same key, else the same case by the content
  /// of its inputs (a dump that has moved). Null when there is none.
  const std::pair<const std::string, BaselineCase>* find(const Measurement& m) const;

  /// Tolerances for a run: the suite's, or the defaults, where it has the baseline's platform and
  /// machine. On another platform plans that hang on floating-point scores may differ in single
  /// tokens: checksums are not compared, exact figures within 2%, fidelity within 10%. On another
  /// machine time within 30% (ratio) and 50% (multiply-adds).
  Tolerances tolerances(const StoredRun& run) const;
};

/// The figures of a run's passed cases as a baseline; `before` gives the history of reasons, and
/// may be null.
Baseline make_baseline(const StoredRun& run, const std::string& reason, const Baseline* before);

/// Half of an interval's width as a share of the ratio in it; NaN when it is unknown.
double half_width(const Interval& interval, double ratio);

/// Why a baseline's times are too uncertain to judge by, one line for each reason: it or a case is
/// unfit, or has an interval of more than the tolerance on either side, so that the accepted time
/// may be anything in it. Such a one was accepted by force. Empty when they are not.
std::vector<std::string> unfit_times(const Baseline& baseline);

/// Throws InputError for a file that is missing or not a baseline, and names what in it is wrong.
Baseline read_baseline(const std::string& path);
void write_baseline(const std::string& path, const Baseline& baseline);

}  // namespace vidattn
