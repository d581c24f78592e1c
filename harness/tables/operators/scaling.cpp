#include "harness/tables/operators/scaling.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/host/interrupt.h"
#include "harness/tables/notes.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

/// Scaled over whole time - 1 of the same round, sorted.
std::vector<double> errors_of_rounds(const OperatorTime& sampled, const OperatorTime& whole) {
  std::vector<double> errors;
  for (size_t i = 0; i < std::min(sampled.rounds.size(), whole.rounds.size()); ++i)
    errors.push_back(sampled.rounds[i] / whole.rounds[i] - 1);
  std::sort(errors.begin(), errors.end());
  return errors;
}

/// Median distance from the median, a share of it.
double median_deviation(const std::vector<double>& values) {
  const double middle = median(values);
  std::vector<double> distances;
  for (double value : values) distances.push_back(std::abs(value / middle - 1));
  return median(distances);
}

}  // namespace

ScalingErrors::ScalingErrors(const std::vector<LengthTimes>& all) {
  for (const LengthTimes& length : all)
    for (const OperatorTime& whole : length.whole) {
      const OperatorTime* sampled = find_time(length.times, whole.label);
      if (!whole.measured() || !sampled || !sampled->measured()) continue;
      Entry entry{whole.label, length.tokens, errors_of_rounds(*sampled, whole)};
      entry.error = std::abs(median(entry.rounds));
      entries_.push_back(std::move(entry));
    }
}

double ScalingErrors::largest() const {
  double most = 0;
  for (const Entry& entry : entries_) most = std::max(most, entry.error);
  return most;
}

double ScalingErrors::of(const OperatorTime& time) const {
  if (!time.measured() || time.scale == 1 || entries_.empty()) return NAN;
  const auto own = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.label == time.label && entry.tokens == time.tokens;
  });
  return std::max(own == entries_.end() ? largest() : own->error, median_deviation(time.rounds));
}

std::string ScalingErrors::note() const {
  if (entries_.empty())
    return note_text(interrupted() ? "table11.no_errors_interrupted" : "table11.no_errors");
  std::string each;
  for (const Entry& entry : entries_)
    each += fmt::format("{}{} at {}: {:+.1f}% ({:+.1f} to {:+.1f})", each.empty() ? "" : ", ",
                        entry.label, entry.tokens, 100 * median(entry.rounds),
                        100 * entry.rounds.front(), 100 * entry.rounds.back());
  return note_text("table11.errors", fmt::arg("rounds", entries_.back().rounds.size()),
                   fmt::arg("each", each), fmt::arg("worst", 100 * largest()));
}

double error_of_ratio(double error, double other) {
  if (std::isnan(error)) return other;
  return std::isnan(other) ? error : std::hypot(error, other);
}

}  // namespace vidattn
