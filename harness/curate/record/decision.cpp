#include "harness/curate/record/decision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/io/json_file.h"

namespace vidattn {

std::string Decision::text() const {
  std::string text = rule;
  if (std::isfinite(limit))
    text += fmt::format(" {:.4g}, {} {:.4g}", figure, least ? "at least" : "at most", limit);
  return note.empty() ? text : text + " (" + note + ")";
}

void Decisions::at_least(const std::string& rule, double figure, double limit,
                         const std::string& note) {
  all_.push_back({rule, figure, true, limit, !(figure < limit), note});
}

void Decisions::at_most(const std::string& rule, double figure, double limit,
                        const std::string& note) {
  all_.push_back({rule, figure, false, limit, !(figure > limit), note});
}

void Decisions::drop(const std::string& rule, const std::string& note) {
  all_.push_back({rule, std::nan(""), true, std::nan(""), false, note});
}

const Decision* Decisions::first_drop() const {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [](const Decision& one) { return !one.kept; });
  return found == all_.end() ? nullptr : &*found;
}

nlohmann::json to_json(const Decisions& decisions) {
  nlohmann::json list = nlohmann::json::array();
  for (const Decision& one : decisions.all()) {
    list.push_back({{"rule", one.rule},
                    {"figure", number_or_null(one.figure)},
                    {"limit", number_or_null(one.limit)},
                    {"limit_is", one.least ? "least" : "most"},
                    {"kept", one.kept}});
    if (!one.note.empty()) list.back()["note"] = one.note;
  }
  return list;
}

Decisions read_decisions(const JsonReader& json) {
  Decisions decisions;
  for (const JsonReader& one : json.items())
    decisions.all_.push_back({one.at("rule").text(), one.at("figure").number_or_nan(),
                              one.at("limit_is").text() == "least", one.at("limit").number_or_nan(),
                              one.at("kept").boolean(), one.maybe("note").get_or<std::string>("")});
  return decisions;
}

}  // namespace vidattn
