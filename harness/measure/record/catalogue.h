#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/record/measurement.h"

namespace vidattn {

class MeasuredCase;
struct Computed;

/// What decides how far a figure may be from another run's.
enum class MetricKind {
  exact,     ///< read off the plan: equal on every machine of a platform
  fidelity,  ///< of the output: equal but for the last bits
  time,      ///< measured, different in every run
  memory,    ///< measured on the process
};
std::string to_string(MetricKind kind);

/// Which way a figure is good.
enum class Better { none, higher, lower };
std::string to_string(Better better);

/// The table of `vidattn run` that has a figure as its column.
enum class MetricTable { none, cost, fidelity, transfers };

/// Other places that show it, in the catalogue's order.
enum MetricPlace : unsigned {
  kPage = 1,      ///< table of the HTML report
  kLatex = 2,     ///< LaTeX and Markdown table
  kCompare = 4,   ///< figures of `vidattn compare`
  kSuite = 8,     ///< table of `vidattn run SUITE`
  kGuarded = 16,  ///< must match the baseline of `vidattn check`
  kIfAny = 32,    ///< as a column only where a case has it
  kOfMean =
      64,  ///< of a mean over kinds of layers it follows from the mean, as times and memory do
};

/// A figure of a measured case, declared once for every printer and file.
struct MetricInfo {
  const char* tag;     ///< key in JSON and in the store
  const char* header;  ///< of a column; empty = in no table
  const char* unit;    ///< of the value in JSON and in the store
  int digits;          ///< significant digits in tables
  double scale;        ///< tables show value * scale (ms, MiB)
  MetricKind kind;
  Better better;
  MetricTable table;
  unsigned places;      ///< MetricPlace
  const char* meaning;  ///< one sentence without the full stop
  Computed (*compute)(const MeasuredCase&);

  bool in(unsigned place) const { return (places & place) != 0; }
  /// Cell of a table: the value with its digits and scale, or "-" when unknown.
  std::string cell(const Measurement& m) const;
};

/// The density that was asked for: its cells say which rows missed it.
constexpr std::string_view kTargetTag = "density_target";
/// What int8 and fp8 cost apart from the method.
constexpr std::string_view kSelectionErrorTag = "selection_error";
constexpr std::string_view kQuantisationErrorTag = "quantisation_error";
/// Its cells have the interval, too.
constexpr std::string_view kSpeedupTag = "speedup";
/// Of a disturbed case its cell says so instead of a number.
constexpr std::string_view kRealisedTag = "realised_share";

/// Every metric, in the order of columns. A new one is a line here.
const std::vector<MetricInfo>& catalogue();

/// Metrics of a place, and columns of a table.
std::vector<const MetricInfo*> metrics_in(MetricPlace place);
std::vector<const MetricInfo*> columns_of(MetricTable table);
/// Null for a tag that is not in the catalogue.
const MetricInfo* find_metric(const std::string& tag);

/// The catalogue as a Markdown table: column, tag, unit, better, meaning. It stands in README.md.
std::string glossary();

}  // namespace vidattn
