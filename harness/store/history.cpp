#include "harness/store/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/measure/record/catalogue.h"
#include "metrics/statistics/pettitt.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

bool begins_with(const std::string& text, const std::string& part) {
  return text.compare(0, part.size(), part) == 0;
}

/// The series as a row of bars between its lowest and highest value.
std::string sparkline(const std::vector<double>& values) {
  constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr size_t kShown = 60;  // the newest, so that it fits a terminal
  const size_t first = values.size() > kShown ? values.size() - kShown : 0;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  std::string text;
  const double range = *high / 2 - *low / 2;  // their difference itself may leave double
  for (size_t i = first; i < values.size(); ++i) {
    const double place = range > 0 ? (values[i] / 2 - *low / 2) / range : 0.5;
    text += kBars[static_cast<size_t>(place * 7.999)];
  }
  return text;
}

std::vector<double> values_of(const Series& series) {
  std::vector<double> values;
  for (const Series::Point& p : series.points) values.push_back(p.value);
  return values;
}

void print(const Series& s) {
  const std::vector<double> values = values_of(s);
  const std::string inputs = short_content(s.identity);
  print_out("{} of {}\n  machine {}{}, {}, median {:.4g}, last {:.4g}  {}\n", s.metric, s.key,
            s.machine_key, inputs.empty() ? "" : ", q " + inputs,
            counted(std::ssize(values), "run"), median(values), values.back(), sparkline(values));
  for (const ChangePoint& c : s.changes) {
    const Series::Point& p = s.points[c.index];
    print_out("  changed at run {} ({}, {}): {:.4g} -> {:.4g} ({:+.1f}%), p {:.2g}\n", p.run,
              p.started, p.revision, c.before, c.after, 100 * (c.after / c.before - 1), c.p);
  }
  if (const std::string blind = s.blind_spot(); !blind.empty()) print_out("  {}\n", blind);
}

bool is_exact(const std::string& metric) {
  const MetricInfo* info = find_metric(metric);
  return info != nullptr && info->kind == MetricKind::exact;
}

void find_changes(Series& series) {
  const std::vector<double> values = values_of(series);
  if (is_exact(series.metric)) {
    series.changes = exact_changes(values);
    return;
  }
  series.changes = change_points(values);
  if (values.size() >= kFewestForChange)
    series.correlation = lag_correlation(values, least_deviation_split(values));
}

nlohmann::json to_json(const Series& s) {
  nlohmann::json j{{"machine_key", s.machine_key},
                   {"key", s.key},
                   {"metric", s.metric},
                   {"content", s.identity.content},
                   {"correlation", s.correlation},
                   {"blind_spot", s.blind_spot()},
                   {"points", nlohmann::json::array()},
                   {"changes", nlohmann::json::array()}};
  for (const Series::Point& p : s.points)
    j["points"].push_back(
        {{"run", p.run}, {"started", p.started}, {"revision", p.revision}, {"value", p.value}});
  for (const ChangePoint& c : s.changes)
    j["changes"].push_back(
        {{"index", c.index}, {"before", c.before}, {"after", c.after}, {"p", c.p}});
  return j;
}

/// The series that a case belongs to; a new one for a case that none has.
Series& series_of(const Measurement& c, const StoredRun& run, std::vector<Series>& all) {
  for (Series& s : all)
    if (s.machine_key == run.machine_key && same_case(s.identity, c.identity)) return s;
  all.emplace_back().machine_key = run.machine_key;
  return all.back();
}

bool wanted(const StoredRun& run, const HistoryOptions& options) {
  return (options.suite.empty() ? !run.suite.ends_with(kAgain) : run.suite == options.suite) &&
         begins_with(run.machine_key, options.machine);
}

void add_points(const StoredRun& run, const HistoryOptions& options, std::vector<Series>& all) {
  for (const Measurement& c : run.cases) {
    const double value = c.metric(options.metric);
    const std::string key = c.key();
    if (key.find(options.match) == std::string::npos || !c.passed() || !std::isfinite(value))
      continue;
    Series& series = series_of(c, run, all);
    series.key = key;
    series.identity = c.identity;
    series.metric = options.metric;
    series.points.push_back({run.id, run.started, run.revision, value});
  }
}

std::vector<Series> finished(std::vector<Series> all) {
  std::stable_sort(all.begin(), all.end(), [](const Series& a, const Series& b) {
    return std::tie(a.machine_key, a.key) < std::tie(b.machine_key, b.key);
  });
  for (Series& series : all) find_changes(series);
  return all;
}

/// The metric that is meant by a word that names none.
std::string other_metric(const std::string& tag) {
  if (find_metric(tag) != nullptr) return "";
  std::vector<std::string> tags;
  for (const MetricInfo& metric : catalogue()) tags.emplace_back(metric.tag);
  return did_you_mean(tag, tags);
}

}  // namespace

std::string Series::blind_spot() const {
  if (is_exact(metric)) return "";
  if (points.size() < kFewestForChange)
    return fmt::format("too few runs to tell: no change could be seen before {} of them",
                       kFewestForChange);
  return correlation > 0 ? fmt::format(
                               "runs resemble the one before (correlation {:.2f}), so a "
                               "change must last longer or be larger to be seen",
                               correlation)
                         : "";
}

std::vector<Series> find_series(const Store& store, const HistoryOptions& options) {
  std::vector<Series> all;
  for (const StoredRun& listed : store.list_runs())
    if (wanted(listed, options))
      add_points(store.load_run(std::to_string(listed.id)), options, all);
  return finished(std::move(all));
}

std::vector<Series> find_series(const std::vector<StoredRun>& runs, const HistoryOptions& options) {
  std::vector<Series> all;
  for (const StoredRun& run : runs)
    if (wanted(run, options)) add_points(run, options, all);
  return finished(std::move(all));
}

void history(const HistoryOptions& options) {
  const Store store(options.db);
  const std::vector<Series> all = find_series(store, options);
  if (all.empty())
    throw InputError(
        fmt::format("store {}: no passed case has the metric '{}' with these filters{}",
                    in_quotes(options.db), options.metric, other_metric(options.metric)));
  int64_t up = 0, down = 0;
  nlohmann::json json = nlohmann::json::array();
  for (const Series& series : all) {
    print(series);
    json.push_back(to_json(series));
    for (const ChangePoint& c : series.changes) ++(c.after > c.before ? up : down);
  }
  // A detector whose findings all point one way is suspect itself.
  print_out("{} series, {} changes up, {} down\n", all.size(), up, down);
  if (!is_exact(options.metric)) {
    int64_t longest = 0;
    for (const Series& series : all) longest = std::max(longest, std::ssize(series.points));
    print_out("not seen: changes below 1%, or within {} runs of either end\n",
              unseen_at_ends(longest));
  }
  if (!options.out.empty()) write_json(options.out, json);
}

}  // namespace vidattn
