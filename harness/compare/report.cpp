#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "harness/compare/compare.h"
#include "harness/host/interrupt.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/io/text_table.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/catalogue.h"
#include "harness/store/measurement_json.h"

namespace vidattn {
namespace {

using nlohmann::json;

std::string number(double value, int digits = 4) {
  return std::isfinite(value) ? fmt::format("{:.{}g}", value, digits) : "-";
}

std::string percent(double share) {
  return std::isfinite(share) ? fmt::format("{:.2f}%", 100 * share) : "-";
}

std::string interval_text(const Interval& i) {
  return std::isfinite(i.low) ? fmt::format("{:.4f}..{:.4f}", std::exp(i.low), std::exp(i.high))
                              : "unknown";
}

/// Its numbers with at most 4 digits; the record has all.
std::string label_of(const ComparedCase& c) { return short_setting(c.name); }

void print_times(const ComparisonResult& result) {
  constexpr double kMilli = 1e3;
  std::vector<std::vector<std::string>> rows;
  for (const ComparedCase& c : result.cases) {
    if (!c.problem.empty()) continue;
    const RatioEstimate& e = c.estimate;
    rows.push_back({label_of(c), number(kMilli * median(c.a_seconds)),
                    number(kMilli * median(c.b_seconds)),
                    fmt::format("{:.4f}", std::exp(e.log_ratio)), interval_text(e.interval),
                    number(e.p, 2), number(c.adjusted_p, 2), percent(c.detectable),
                    fmt::format("{}", e.blocks), to_string(c.verdict)});
  }
  if (rows.empty()) return;
  print_out("\n{}", text_table({"case", "A ms", "B ms", "B/A", "95% interval", "p", "p Holm", "MDE",
                                "blocks", "B is"},
                               rows));
}

std::vector<const MetricInfo*> chosen(const ColumnChoice& choice) {
  return chosen_columns(choice, metrics_in(kCompare),
                        [](const MetricInfo* m) {
                          return ColumnName{m->tag, m->header};
                        },
                        {"density", "density_target", "recall_mean", "relative_l2"});
}

/// A percentage, where that says something: not of errors that are float32's own, and not beyond a
/// factor of ten.
std::string change(const MetricInfo& metric, double a, double b) {
  constexpr double kRounding = 1e-5;
  if (a == b) return "same";
  const bool error = metric.kind == MetricKind::fidelity && metric.better == Better::lower;
  if (error && std::max(std::abs(a), std::abs(b)) < kRounding) return "rounding";
  const double factor = b / a;
  if (factor > 10 || (factor > 0 && factor < 0.1)) return fmt::format("{:.3g} times", factor);
  return percent(factor - 1);
}

void print_figures(const ComparisonResult& result, const ColumnChoice& choice) {
  TableRows rows;
  for (const ComparedCase& c : result.cases)
    for (const MetricInfo* metric : chosen(choice)) {
      const double a = c.a.metric(metric->tag), b = c.b.metric(metric->tag);
      if (std::isnan(a) && std::isnan(b)) continue;
      rows.push_back({label_of(c), metric->header, metric->cell(c.a), metric->cell(c.b),
                      change(*metric, a, b)});
    }
  if (!rows.empty()) print_out("\n{}", text_table({"case", "figure", "A", "B", "change"}, rows));
}

/// Figures asked for by name that neither side of any case has.
void print_absent(const ComparisonResult& result, const ColumnChoice& choice) {
  if (result.cases.empty() || choice.names.empty()) return;
  std::vector<std::string> absent;
  const std::vector<const MetricInfo*> columns = chosen(choice);
  for (size_t i = 0; i < columns.size(); ++i)
    if (std::all_of(result.cases.begin(), result.cases.end(), [&](const ComparedCase& c) {
          return std::isnan(c.a.metric(columns[i]->tag)) && std::isnan(c.b.metric(columns[i]->tag));
        }))
      absent.push_back(choice.names[i]);
  print_out("{}", absent_line(absent));
}

void print_correlated(const ComparisonResult& result) {
  for (const ComparedCase& c : result.cases)
    if (const RatioEstimate& e = c.estimate; c.problem.empty() && e.correlation > 0)
      print_out(
          "warning: {}: blocks resemble the one before (correlation {:.2f}), so the interval is "
          "widened by {:.2f}\n",
          label_of(c), e.correlation, e.widened);
}

std::vector<RatioEstimate> estimates(const ComparisonResult& result) {
  std::vector<RatioEstimate> all;
  for (const ComparedCase& c : result.cases)
    if (c.problem.empty()) all.push_back(c.estimate);
  return all;
}

json to_json(const RatioEstimate& e) {
  json record{{"ratio", std::exp(e.log_ratio)},
              {"low", std::exp(e.interval.low)},
              {"high", std::exp(e.interval.high)},
              {"log_standard_error", e.standard_error},
              {"p", e.p},
              {"blocks", e.blocks}};
  if (e.correlation > 0)
    record.update({{"block_correlation", e.correlation}, {"interval_widened", e.widened}});
  return record;
}

/// Without the blocks of the run that it was read from: those of the comparison stand beside it.
json side_record(const Measurement& m) {
  json record = to_json(m);
  record.erase("blocks");
  return record;
}

json to_json(const ComparedCase& c) {
  json record{{"case", c.name}, {"a", side_record(c.a)}, {"b", side_record(c.b)}};
  if (!c.problem.empty()) {
    record["problem"] = c.problem;
    return record;
  }
  record.update(to_json(c.estimate));
  record["p_holm"] = c.adjusted_p;
  record["minimum_detectable_effect"] = number_or_null(c.detectable);
  record["verdict"] = to_string(c.verdict);
  record["a_seconds"] = c.a_seconds;
  record["b_seconds"] = c.b_seconds;
  record["log_ratios"] = c.log_ratios;
  return record;
}

/// Cases with one problem share a line.
void print_problems(const std::vector<ComparedCase>& cases) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_problem;
  for (const ComparedCase& c : cases) {
    if (c.problem.empty()) continue;
    auto known = std::find_if(by_problem.begin(), by_problem.end(),
                              [&](const auto& each) { return each.first == c.problem; });
    if (known == by_problem.end()) known = by_problem.insert(known, {c.problem, {}});
    known->second.push_back(label_of(c));
  }
  for (const auto& [problem, labels] : by_problem)
    print_out("not compared: {}: {}\n", fmt::join(labels, ", "), problem);
}

}  // namespace

void check_compared_columns(const ColumnChoice& choice) { chosen(choice); }

void print_comparison(const ComparisonResult& result, const CompareOptions& options) {
  print_out("A: {}\nB: {}\n{}\n", short_setting(result.a), short_setting(result.b),
            result.protocol);
  if (const auto& w = result.workload)
    print_out("workload {}: {}, {} of {}\n", w->name, counted(w->length, "token"),
              counted(w->heads, "head"), w->dim);
  print_times(result);
  print_figures(result, options.columns);
  print_absent(result, options.columns);
  const auto all = estimates(result);
  if (all.size() > 1) {
    const RatioEstimate mean = geometric_mean(all);
    print_out("\ngeometric mean of B/A over the {} common cases: {:.4f} ({})\n", all.size(),
              std::exp(mean.log_ratio), interval_text(mean.interval));
  }
  print_problems(result.cases);
  const std::string undecidable = undecidable_note(result.cases, options.rule);
  if (!undecidable.empty()) print_out("undecidable: {}\n", undecidable);
  for (const std::string& warning : result.warnings) print_out("warning: {}\n", warning);
  print_correlated(result);
  if (all.empty()) return;
  print_out(
      "\nB/A: median over blocks, bootstrap interval; p: Wilcoxon signed-rank; MDE: smallest "
      "slowdown\nthat would be called with 80% power. faster or slower: interval beyond {:g}% and "
      "Holm's p below {:g};\nsame: interval within {:g}%.\n",
      100 * options.rule.margin, options.rule.alpha, 100 * options.rule.margin);
}

nlohmann::json comparison_record(const ComparisonResult& result, const CompareOptions& options) {
  json record = record_header("compare", "2.0", options.arguments);
  record.update({{"interrupted", interrupted()},
                 {"a", result.a},
                 {"b", result.b},
                 {"protocol", result.protocol},
                 {"workload", result.workload ? to_json(*result.workload) : json()},
                 {"warnings", result.warnings},
                 {"order_seed", options.order_seed},
                 {"margin", options.rule.margin},
                 {"alpha", options.rule.alpha},
                 {"confidence", kConfidence},
                 {"cases", json::array()}});
  for (const ComparedCase& c : result.cases) record["cases"].push_back(to_json(c));
  const auto all = estimates(result);
  if (!all.empty()) record["geometric_mean"] = to_json(geometric_mean(all));
  return record;
}

}  // namespace vidattn
