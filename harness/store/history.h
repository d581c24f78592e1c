#pragma once

#include <string>
#include <vector>

#include "harness/store/store.h"
#include "metrics/statistics/change_points.h"

namespace vidattn {

/// A metric of one case over the runs of one machine, oldest first.
struct Series {
  std::string machine_key, key, metric;
  CaseIdentity identity;  ///< of its newest case
  struct Point {
    int64_t run;
    std::string started, revision;
    double value;
  };
  std::vector<Point> points;
  std::vector<ChangePoint> changes;
  double correlation = 0;  ///< of a run's value with the one before; 0 = none that shows

  /// What change this many runs cannot show, one line; empty for figures that are exact.
  std::string blind_spot() const;
};

struct HistoryOptions {
  std::string db = kDefaultStore;
  std::string suite;             ///< empty = all
  std::string match;             ///< part of the case key; empty = all
  std::string machine;           ///< key or its beginning; empty = all
  std::string metric = "ratio";  ///< tag
  std::string out;               ///< JSON file; empty = none
};

/// The series of a store, in the order of their keys: passed cases with a finite value, together
/// where they are the same case (same_case()). Runs that measured some cases of another again are
/// left out, unless their suite is named: they say what that one says. Figures that the catalogue
/// calls exact change wherever they differ (exact_changes()), others as change_points() finds.
std::vector<Series> find_series(const Store& store, const HistoryOptions& options);
/// The same of runs that were loaded before.
std::vector<Series> find_series(const std::vector<StoredRun>& runs, const HistoryOptions& options);

/// `vidattn history`: prints every series with its change points. Throws InputError when
/// the store has no such series.
void history(const HistoryOptions& options);

}  // namespace vidattn
