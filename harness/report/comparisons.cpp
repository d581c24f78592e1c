#include "harness/report/comparisons.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "harness/report/charts/records.h"

namespace vidattn {
namespace {

using nlohmann::json;

bool differ(const json& panels, const char* what) {
  return std::any_of(panels.begin(), panels.end(),
                     [&](const json& p) { return p[what] != panels[0][what]; });
}

std::string workload_label(const json& w) {
  const auto grid = w["grid"].get<std::vector<int64_t>>();
  const std::string name = w["title"];
  return grid[0] == 0 ? fmt::format("{}, {} tokens", name, w["length"].get<int64_t>())
                      : fmt::format("{}, {}", name, fmt::join(grid, "x"));
}

/// Gives those records what was asked for as their name, without the knob that was set for the
/// density, that share it with no other.
void set_short_names(const std::vector<json*>& records, const char* name) {
  std::map<std::string, int> count;
  for (const json* r : records) ++count[(*r)["asked"]];
  for (json* r : records)
    if (count[(*r)["asked"]] == 1) (*r)[name] = (*r)["asked"];
}

/// What cases are called in their panel: as asked for, where no other is called so; else with what
/// was set, and with the run where it has several.
void name_cases(json& cases, size_t panels) {
  std::vector<std::vector<json*>> of_panel(panels);
  for (json& c : cases) of_panel[c["panel"]].push_back(&c);
  for (const std::vector<json*>& members : of_panel) {
    const bool runs = std::any_of(members.begin(), members.end(), [&](const json* c) {
      return (*c)["run"] != (*members.front())["run"];
    });
    for (json* c : members) {
      (*c)["short"] = (*c)["set"];
      if (runs)
        (*c)["short"] =
            fmt::format("{} (run {})", (*c)["set"].get<std::string>(), (*c)["run"].get<int>() + 1);
    }
    set_short_names(members, "short");
  }
}

/// What sets the panels apart, and the workload in any case.
void label_panels(json& panels, const json& workloads) {
  const bool devices = differ(panels, "device"), types = differ(panels, "dtype");
  std::map<std::string, std::set<int64_t>> of_name;
  const auto name = [&](const json& p) {
    const int64_t index = p["workload_index"];
    return index < 0 ? p["workload"].get<std::string>()
                     : workload_label(workloads[static_cast<size_t>(index)]);
  };
  for (const json& p : panels) of_name[name(p)].insert(p["workload_index"].get<int64_t>());
  for (json& p : panels) {
    std::string label = name(p);
    if (of_name[label].size() > 1)
      label += fmt::format(" (workload {})", p["workload_index"].get<int64_t>() + 1);
    if (devices) label += " on " + p["device"].get<std::string>();
    if (types) label += " in " + p["dtype"].get<std::string>();
    p["label"] = label;
  }
}

json point_of(const json& c) {
  const json& ratio = c["ratio"];
  const bool known = ratio.is_object() && ratio["low"].is_number() && ratio["high"].is_number();
  return {{"name", c["short"]},
          {"label", c["label"]},
          {"method", c["method"]},
          {"asked", c["asked"]},
          {"speedup", metric_of(c, "speedup")},
          {"low", known ? json(1 / ratio["high"].get<double>()) : json()},
          {"high", known ? json(1 / ratio["low"].get<double>()) : json()},
          {"error", metric_of(c, "relative_l2")},
          {"density", c["metrics"].value("density", json())},
          {"flaws", c["flaws"]}};
}

bool is_full(const json& point) { return point["method"] == "full"; }

bool beats(const json& a, const json& b) {
  const double faster = a["speedup"].get<double>() - b["speedup"].get<double>();
  const double nearer = b["error"].get<double>() - a["error"].get<double>();
  return faster >= 0 && nearer >= 0 && faster + nearer > 0;
}

json comparison(std::string label, json points, bool summary) {
  for (json& p : points)
    p["front"] = std::none_of(points.begin(), points.end(),
                              [&](const json& other) { return beats(other, p); });
  std::vector<json*> all;
  for (json& p : points) all.push_back(&p);
  set_short_names(all, "name");
  return {{"label", std::move(label)}, {"summary", summary}, {"points", std::move(points)}};
}

/// Points of a panel by the density asked for; those of full attention stand in each.
std::map<double, json> points_by_target(const json& cases, size_t panel) {
  std::map<double, json> found;
  json full = json::array();
  for (const json& c : cases) {
    if (c["panel"] != panel || c["missed"].get<bool>() || !(metric_of(c, "speedup") > 0) ||
        !(metric_of(c, "relative_l2") >= 0))
      continue;
    json point = point_of(c);
    if (is_full(point))
      full.push_back(std::move(point));
    else
      found[target_of(c)].push_back(std::move(point));
  }
  for (auto& [target, points] : found) points.insert(points.end(), full.begin(), full.end());
  return found;
}

/// The mean of one method's points, one of each panel.
json mean_of(const std::vector<json>& points) {
  double logs = 0, error = 0, low = INFINITY, high = 0;
  std::set<std::string> flaws;
  for (const json& p : points) {
    const double speedup = p["speedup"];
    logs += std::log(speedup);
    error += p["error"].get<double>();
    flaws.insert(p["flaws"].begin(), p["flaws"].end());
    low = std::min(low, speedup);
    high = std::max(high, speedup);
  }
  const auto count = static_cast<double>(points.size());
  json mean = points.front();
  mean["name"] = mean["label"] = mean["asked"];
  mean["speedup"] = std::exp(logs / count);
  mean["low"] = low;
  mean["high"] = high;
  mean["error"] = error / count;
  mean["density"] = nullptr;
  mean["flaws"] = flaws;
  return mean;
}

/// Panels that differ in their tensors alone, by what they share: the target, the device, the type.
using Summaries = std::map<std::tuple<double, std::string, std::string>, std::vector<json>>;

/// What was asked for at a target on such panels, full attention aside, and is not among the
/// points.
json absent_from(const json& points, const json& cases, const json& panels,
                 const Summaries::key_type& shared) {
  std::set<std::string> there, absent;
  for (const json& p : points) there.insert(p["asked"]);
  for (const json& c : cases) {
    const json& panel = panels[c["panel"].get<size_t>()];
    if (Summaries::key_type{target_of(c), panel["device"], panel["dtype"]} == shared &&
        c["method"] != "full" && !there.contains(c["asked"]))
      absent.insert(c["asked"]);
  }
  return absent;
}

void add_summaries(json& all, const Summaries& summaries, const json& cases,
                   const json& panels_of_cases) {
  for (const auto& [shared, panels] : summaries) {
    if (panels.size() < 2) continue;
    std::map<std::string, std::vector<json>> by_method;
    for (const json& points : panels) {
      std::set<std::string> seen;  // of two runs on the same tensors, the first
      for (const json& p : points)
        if (seen.insert(p["asked"]).second) by_method[p["asked"]].push_back(p);
    }
    json means = json::array();
    for (const auto& [method, points] : by_method)
      if (points.size() == panels.size()) means.push_back(mean_of(points));
    if (std::all_of(means.begin(), means.end(), is_full)) continue;
    json absent = absent_from(means, cases, panels_of_cases, shared);
    all.push_back(comparison(with_density(fmt::format("mean of {} workloads, {} {}", panels.size(),
                                                      std::get<1>(shared), std::get<2>(shared)),
                                          std::get<0>(shared)),
                             std::move(means), true));
    all.back()["absent"] = std::move(absent);
  }
}

}  // namespace

double target_of(const json& c) { return c["metrics"].value("density_target", 0.0); }

std::string with_density(const std::string& label, double target) {
  return label + (target > 0 ? fmt::format(", density {:.4g}", target)
                             : std::string(", each at its own density"));
}

json panels_of(json& cases, const json& workloads) {
  json panels = json::array();
  for (json& c : cases) {
    const json key{{"workload_index", c["workload_index"]},
                   {"workload", c["workload_index"].get<int64_t>() < 0 ? c["workload"] : json("")},
                   {"device", c["device"]},
                   {"dtype", c["dtype"]}};
    const auto found = std::find(panels.begin(), panels.end(), key);
    c["panel"] = found - panels.begin();
    if (found == panels.end()) panels.push_back(key);
  }
  if (!panels.empty()) label_panels(panels, workloads);
  name_cases(cases, panels.size());
  return panels;
}

json comparisons_of(const json& cases, const json& panels) {
  json all = json::array();
  Summaries summaries;
  for (size_t i = 0; i < panels.size(); ++i)
    for (auto& [target, points] : points_by_target(cases, i)) {
      summaries[{target, panels[i]["device"], panels[i]["dtype"]}].push_back(points);
      all.push_back(comparison(with_density(panels[i]["label"], target), std::move(points), false));
    }
  add_summaries(all, summaries, cases, panels);
  return all;
}

}  // namespace vidattn
