#include "harness/report/left_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/measure/record/catalogue.h"
#include "harness/report/charts/records.h"
#include "harness/report/comparisons.h"

namespace vidattn {
namespace {

using nlohmann::json;
using TimedCases = std::vector<const json*>;

/// A chart, and the figures without which a case is not in it.
struct Needs {
  const char* chart;
  std::vector<const char*> figures;
  bool equal_density;  ///< without the cases that missed the density asked for
};

const std::vector<Needs>& needs() {
  static const std::vector<Needs> all = {{"ratios", {"speedup"}, true},
                                         {"density_recall", {"recall_mean"}, false},
                                         {"density_error", {"relative_l2"}, false},
                                         {"density_speedup", {"speedup"}, false},
                                         {"times", {"plan_time", "run_time"}, true},
                                         {"roofline", {"flop_rate"}, false}};
  return all;
}

/// Why a case lacks a figure of the chart; empty where it has them all.
std::string lack_of(const json& c, const Needs& chart) {
  for (const char* tag : chart.figures) {
    if (std::isfinite(metric_of(c, tag))) continue;
    const std::string reason = c["unknown"].value(tag, "");
    return reason.empty() ? fmt::format("no {} was measured", find_metric(tag)->header) : reason;
  }
  return "";
}

/// Why a chart has none of the cases; empty where it has one, or there are none.
std::string why_none(const TimedCases& cases, const Needs& chart) {
  std::string why;
  for (const json* c : cases) {
    const bool missed = chart.equal_density && (*c)["missed"].get<bool>();
    const std::string lack = missed ? "all missed the density asked for" : lack_of(*c, chart);
    if (lack.empty()) return "";
    if (why.empty() || !missed) why = lack;
  }
  return why;
}

/// Timed cases of a panel, without full attention, which every figure is held against.
TimedCases timed_cases(const json& cases, size_t panel) {
  TimedCases timed;
  for (const json& c : cases)
    if (c["panel"] == panel && c["method"] != "full" && c["metrics"].contains("total_time"))
      timed.push_back(&c);
  return timed;
}

void add_if_none(json& all, const Needs& chart, const std::string& label, const TimedCases& cases) {
  const std::string why = why_none(cases, chart);
  if (!why.empty()) all.push_back({{"chart", chart.chart}, {"label", label}, {"why", why}});
}

}  // namespace

json left_out_of(const json& cases, const json& panels) {
  const Needs pareto{"pareto", {"speedup", "relative_l2"}, true};
  json all = json::array();
  for (size_t i = 0; i < panels.size(); ++i) {
    const std::string label = panels[i]["label"];
    const TimedCases timed = timed_cases(cases, i);
    std::map<double, TimedCases> by_target;
    for (const json* c : timed) by_target[target_of(*c)].push_back(c);
    for (const auto& [target, members] : by_target)
      add_if_none(all, pareto, with_density(label, target), members);
    for (const Needs& chart : needs()) add_if_none(all, chart, label, timed);
  }
  return all;
}

std::vector<std::string> left_out_lines(const json& left_out) {
  std::vector<std::string> charts, ends;
  for (const json& one : left_out) {
    const std::string chart = one["chart"],
                      end = fmt::format(" of {}: {}", one["label"].get<std::string>(),
                                        one["why"].get<std::string>());
    const auto at = std::find(ends.begin(), ends.end(), end) - ends.begin();
    if (at < std::ssize(ends)) {
      charts[at] += ", " + chart;
    } else {
      charts.push_back("no " + chart);
      ends.push_back(end);
    }
  }
  for (size_t i = 0; i < charts.size(); ++i) charts[i] += ends[i];
  return charts;
}

}  // namespace vidattn
