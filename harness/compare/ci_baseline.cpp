#include "harness/compare/ci_baseline.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/compare/unfit.h"
#include "harness/host/clock.h"
#include "harness/io/json_file.h"
#include "harness/io/one_line.h"
#include "harness/io/places/roles.h"
#include "harness/store/measurement_json.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "vidattn baseline";
constexpr const char* kVersion = "2.0";
constexpr const char* kUnfit = "unfit_times";

json platform_of(const StoredRun& run) {
  const JsonReader environment(run.environment);
  const JsonReader software = environment.maybe("software");
  return {{"simd", software.maybe("simd").get_or(std::string())},
          {"blas_core", software.maybe("blas_core").get_or(std::string())},
          {"threads", environment.maybe("state").maybe("threads").get_or(0)}};
}

void put_interval(json& j, const char* key, const Interval& interval) {
  if (std::isfinite(interval.low) && std::isfinite(interval.high))
    j[key] = {interval.low, interval.high};
}

void put_unfit(json& j, const std::string& reason) {
  if (!reason.empty()) j[kUnfit] = reason;
}

/// Empty in files that are fit, and in those of before it was kept.
std::string unfit_of(const JsonReader& j) {
  const JsonReader reason = j.maybe(kUnfit);
  return reason.is_null() ? "" : reason.line();
}

/// Unknown in files of before it was kept.
Interval interval_of(const JsonReader& value) {
  if (value.is_null()) return {NAN, NAN};
  const auto ends = value.get<std::vector<double>>();
  if (ends.size() != 2 || !(ends[0] > 0 && ends[0] <= ends[1]))
    value.expected("two numbers above 0 that ascend");
  return {ends[0], ends[1]};
}

json record_of(const BaselineCase& c) {
  json j{{"figures", c.figures},
         {"checksum", c.checksum},
         {"ratio", number_or_null(c.ratio)},
         {"fed_ratio", number_or_null(c.fed_ratio)}};
  put_interval(j, "ratio_interval", c.ratio_interval);
  put_interval(j, "fed_ratio_interval", c.fed_ratio_interval);
  if (c.identity) j["identity"] = to_json(*c.identity);
  put_unfit(j, c.unfit);
  return j;
}

/// NaN for a case without times.
double relative_time(const JsonReader& value) {
  const double time = value.number_or_nan();
  if (time <= 0) value.expected("more than 0");
  return time;
}

BaselineCase case_of(const JsonReader& j) {
  BaselineCase c;
  j.read("figures", c.figures);
  j.read("checksum", c.checksum);
  c.ratio = relative_time(j.at("ratio"));
  c.fed_ratio = relative_time(j.at("fed_ratio"));
  c.ratio_interval = interval_of(j.maybe("ratio_interval"));
  c.fed_ratio_interval = interval_of(j.maybe("fed_ratio_interval"));
  if (const JsonReader identity = j.maybe("identity"); !identity.is_null())
    c.identity = identity_from_json(identity);
  c.unfit = unfit_of(j);
  return c;
}

/// The reasons so far, each an object of texts.
json accepted_of(const JsonReader& j) {
  for (const JsonReader& reason : j.items())
    reason.object().get<std::map<std::string, std::string>>();
  return j.is_null() ? json::array() : j.value();
}

Baseline from_json(const JsonReader& j) {
  if (j.maybe("format").is_null()) j.refuse("not a baseline that `vidattn check --accept` writes");
  if (j.at("format").text() != kFormat || j.at("schema_version").text() != kVersion)
    j.refuse(fmt::format("not of format '{}' {}", kFormat, kVersion));
  Baseline b;
  for (auto [key, text] : {std::pair{"suite", &b.suite},
                           {"updated", &b.updated},
                           {"revision", &b.revision},
                           {"machine_key", &b.machine_key}})
    j.read(key, *text);
  b.platform = j.at("platform").object().value();
  b.definition = j.at("definition").value();
  if (!b.definition.is_null()) j.at("definition").object();
  b.accepted = accepted_of(j.at("accepted"));
  for (const auto& [key, c] : j.at("cases").members()) b.cases[one_line(key)] = case_of(c);
  b.unfit = unfit_of(j);
  return b;
}

}  // namespace

double Tolerances::of(MetricKind kind, double expected) const {
  return kind == MetricKind::exact ? exact * std::abs(expected)
                                   : std::max(kLeastError, fidelity * std::abs(expected));
}

const std::pair<const std::string, BaselineCase>* Baseline::find(const Measurement& m) const {
  if (const auto named = cases.find(m.key()); named != cases.end()) return &*named;
  for (const auto& entry : cases)
    if (entry.second.identity && !m.identity.content.empty() &&
        same_case(*entry.second.identity, m.identity))
      return &entry;
  return nullptr;
}

Tolerances suite_tolerances(const nlohmann::json& definition) {
  Tolerances t;
  if (!definition.is_object()) return t;
  const JsonReader given = JsonReader(definition, "the suite").maybe("tolerances");
  given.read_if("exact", t.exact);
  given.read_if("fidelity", t.fidelity);
  given.read_if("ratio", t.ratio);
  given.read_if("fed_ratio", t.fed_ratio);
  return t;
}

Tolerances Baseline::tolerances(const StoredRun& run) const {
  Tolerances t = suite_tolerances(definition);
  if (platform_of(run) != platform) {
    t.checksum = false;
    t.exact = std::max(t.exact, 0.02);
    t.fidelity = std::max(t.fidelity, 0.1);
  }
  if (run.machine_key != machine_key) {
    t.ratio = std::max(t.ratio, 0.3);
    t.fed_ratio = std::max(t.fed_ratio, 0.5);
  }
  return t;
}

Baseline make_baseline(const StoredRun& run, const std::string& reason, const Baseline* before) {
  Baseline b{run.suite, utc_now(), run.revision, run.machine_key, platform_of(run), run.definition};
  if (before != nullptr) b.accepted = before->accepted;
  b.accepted.push_back({{"date", b.updated},
                        {"reason", reason},
                        {"revision", run.revision},
                        {"machine_key", run.machine_key}});
  b.unfit = unfit_for_times(run);
  for (const Measurement& c : run.cases) {
    if (!c.passed()) continue;
    BaselineCase& made = b.cases[c.key()];
    for (const MetricInfo* metric : metrics_in(kGuarded))
      if (std::isfinite(c.metric(metric->tag))) made.figures[metric->tag] = c.metric(metric->tag);
    made.identity = c.identity;
    made.checksum = c.plan.checksum;
    made.ratio = c.metric("ratio");
    made.fed_ratio = c.metric("fed_ratio");
    made.ratio_interval = {c.metric("ratio_low"), c.metric("ratio_high")};
    made.fed_ratio_interval = {c.metric("fed_ratio_low"), c.metric("fed_ratio_high")};
    made.unfit = unfit_for_times(c);
  }
  return b;
}

double half_width(const Interval& interval, double ratio) {
  return (interval.high - interval.low) / 2 / ratio;
}

std::vector<std::string> unfit_times(const Baseline& baseline) {
  std::vector<std::string> reasons;
  const Tolerances wanted = suite_tolerances(baseline.definition);
  if (!baseline.unfit.empty()) reasons.push_back(baseline.unfit);
  for (const auto& [key, c] : baseline.cases)
    if (!c.unfit.empty()) reasons.push_back(key + ": " + c.unfit);
  const auto look = [&](const std::string& key, const char* tag, double ratio,
                        const Interval& interval, double allowed) {
    if (half_width(interval, ratio) > allowed)
      reasons.push_back(
          fmt::format("{}: {} {:.4g} has the interval {:.4g} to {:.4g}, {:g}% are "
                      "allowed on either side",
                      key, tag, ratio, interval.low, interval.high, 100 * allowed));
  };
  for (const auto& [key, c] : baseline.cases) {
    look(key, "ratio", c.ratio, c.ratio_interval, wanted.ratio);
    look(key, "fed_ratio", c.fed_ratio, c.fed_ratio_interval, wanted.fed_ratio);
  }
  return reasons;
}

Baseline read_baseline(const std::string& path) {
  const json value = read_json(path);
  return from_json(JsonReader(value, in_quotes(path)));
}

void write_baseline(const std::string& path, const Baseline& b) {
  json j{{"format", kFormat},      {"schema_version", kVersion}, {"suite", b.suite},
         {"updated", b.updated},   {"revision", b.revision},     {"machine_key", b.machine_key},
         {"platform", b.platform}, {"definition", b.definition}, {"accepted", b.accepted},
         {"cases", json::object()}};
  put_unfit(j, b.unfit);
  for (const auto& [key, c] : b.cases) j["cases"][key] = record_of(c);
  allow_update(path);  // accepting reads the figures before
  write_json(path, j);
}

}  // namespace vidattn
