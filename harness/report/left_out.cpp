#include "harness/report/left_out.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "harness/measure/record/catalogue.h"
#include "harness/report/charts/records.h"
#include "harness/report/comparisons.h"

namespace vidattn {
namespace {

using nlohmann::json;
using PanelCases = std::vector<const json*>;

constexpr const char* kMissedIt = "missed the density asked for";

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
                                         {"roofline", {"flop_rate"}, false},
                                         {"memory", {}, true}};
  return all;
}

bool is_timed(const json& c) { return c["metrics"].contains("total_time"); }

/// Why a chart has none of a case; empty where it has it.
std::string lack_of(const json& c, const Needs& chart) {
  if (!is_timed(c)) return c["outcome"] == "passed" ? "not timed" : c["outcome"].get<std::string>();
  if (chart.equal_density && c["missed"].get<bool>()) return kMissedIt;
  for (const char* tag : chart.figures) {
    if (std::isfinite(metric_of(c, tag))) continue;
    const std::string reason = c["unknown"].value(tag, "");
    return reason.empty() ? fmt::format("no {} was measured", find_metric(tag)->header) : reason;
  }
  return "";
}

/// Names of cases by what a chart lacks of them, in the cases' order.
using Lacks = std::vector<std::pair<std::string, std::vector<std::string>>>;

void add_lack(Lacks& lacks, const std::string& why, const std::string& name) {
  if (why.empty()) return;
  const auto same =
      std::find_if(lacks.begin(), lacks.end(), [&](const auto& lack) { return lack.first == why; });
  if (same == lacks.end())
    lacks.push_back({why, {name}});
  else
    same->second.push_back(name);
}

std::string text_of(const Lacks& lacks) {
  std::string text;
  for (const auto& [why, names] : lacks)
    text += fmt::format("{}{} ({})", text.empty() ? "" : "; ", fmt::join(names, ", "), why);
  return text;
}

/// Why a chart is not drawn.
std::string text_of_whole(const Lacks& lacks) {
  if (lacks.size() > 1) return text_of(lacks);
  const std::string& why = lacks.front().first;
  return (why == kMissedIt ? "all " : "") + why;
}

/// Cases of a panel, without full attention, which every figure is held against.
PanelCases cases_of(const json& cases, size_t panel) {
  PanelCases of_panel;
  for (const json& c : cases)
    if (c["panel"] == panel && c["method"] != "full") of_panel.push_back(&c);
  return of_panel;
}

void add_lacks(json& all, const Needs& chart, const std::string& label, const PanelCases& cases) {
  if (std::none_of(cases.begin(), cases.end(), [](const json* c) { return is_timed(*c); })) return;
  Lacks lacks;
  for (const json* c : cases) add_lack(lacks, lack_of(*c, chart), (*c)["short"]);
  if (lacks.empty()) return;
  const bool whole = std::none_of(cases.begin(), cases.end(),
                                  [&](const json* c) { return lack_of(*c, chart).empty(); });
  all.push_back({{"chart", chart.chart},
                 {"label", label},
                 {"whole", whole},
                 {"text", whole ? text_of_whole(lacks) : text_of(lacks)}});
}

}  // namespace

json left_out_of(const json& cases, const json& panels, const json& comparisons) {
  const Needs pareto{"pareto", {"speedup", "relative_l2"}, true};
  json all = json::array();
  for (size_t i = 0; i < panels.size(); ++i) {
    const std::string label = panels[i]["label"];
    const PanelCases of_panel = cases_of(cases, i);
    std::map<double, PanelCases> by_target;
    for (const json* c : of_panel) by_target[target_of(*c)].push_back(c);
    for (const auto& [target, members] : by_target)
      add_lacks(all, pareto, with_density(label, target), members);
    for (const Needs& chart : needs()) add_lacks(all, chart, label, of_panel);
  }
  for (const json& c : comparisons)
    if (c["summary"].get<bool>() && !c["absent"].empty())
      all.push_back(
          {{"chart", "pareto"},
           {"label", c["label"]},
           {"whole", false},
           {"text", fmt::format("{} (not on every workload at this density)",
                                fmt::join(c["absent"].get<std::vector<std::string>>(), ", "))}});
  return all;
}

std::vector<std::string> left_out_lines(const json& left_out) {
  std::vector<std::string> charts, ends;
  for (const json& one : left_out) {
    if (!one["whole"].get<bool>()) continue;
    const std::string chart = one["chart"],
                      end = fmt::format(" of {}: {}", one["label"].get<std::string>(),
                                        one["text"].get<std::string>());
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

const json* left_out_in(const json& left_out, const std::string& chart, const std::string& label) {
  const auto found = std::find_if(left_out.begin(), left_out.end(), [&](const json& one) {
    return one["chart"] == chart && one["label"] == label;
  });
  return found == left_out.end() ? nullptr : &*found;
}

}  // namespace vidattn
