#include "harness/compare/ci_baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "attention/error.h"
#include "harness/host/clock.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/store/measurement_json.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "vidattn baseline";
constexpr const char* kVersion = "2.0";

json platform_of(const StoredRun& run) {
  const json software = run.environment.value("software", json::object());
  const json state = run.environment.value("state", json::object());
  return {{"simd", software.value("simd", "")},
          {"blas_core", software.value("blas_core", "")},
          {"threads", state.value("threads", 0)}};
}

json record_of(const BaselineCase& c) {
  json j{{"figures", c.figures},
         {"checksum", c.checksum},
         {"ratio", number_or_null(c.ratio)},
         {"fed_ratio", number_or_null(c.fed_ratio)}};
  if (c.identity) j["identity"] = to_json(*c.identity);
  return j;
}

/// NaN for a case without times.
double relative_time(const json& value) {
  const double time = number_or_nan(value);
  if (time <= 0) throw InputError("a relative time of " + value.dump() + ", expected more than 0");
  return time;
}

Baseline from_json(const json& j) {
  Baseline b;
  b.suite = j.at("suite");
  b.updated = j.at("updated");
  b.revision = j.at("revision");
  b.machine_key = j.at("machine_key");
  b.platform = j.at("platform");
  b.definition = j.at("definition");
  b.accepted = j.at("accepted");
  for (const auto& [key, c] : j.at("cases").items()) {
    BaselineCase& made = b.cases[key];
    made = {c.at("figures").get<std::map<std::string, double>>(), c.at("checksum"),
            relative_time(c.at("ratio")), relative_time(c.at("fed_ratio"))};
    if (c.contains("identity")) made.identity = identity_from_json(c["identity"]);
  }
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

Tolerances Baseline::tolerances(const StoredRun& run) const {
  Tolerances t;
  if (platform_of(run) != platform) {
    t.checksum = false;
    t.exact = 0.02;
    t.fidelity = 0.1;
  }
  if (run.machine_key != machine_key) {
    t.ratio = 0.3;
    t.fed_ratio = 0.5;
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
  for (const Measurement& c : run.cases) {
    if (!c.passed()) continue;
    BaselineCase& made = b.cases[c.key()];
    for (const MetricInfo* metric : metrics_in(kGuarded))
      if (std::isfinite(c.metric(metric->tag))) made.figures[metric->tag] = c.metric(metric->tag);
    made.identity = c.identity;
    made.checksum = c.plan.checksum;
    made.ratio = c.metric("ratio");
    made.fed_ratio = c.metric("fed_ratio");
  }
  return b;
}

Baseline read_baseline(const std::string& path) {
  const std::string name = InputFile(path).name();
  std::ifstream in(path);
  try {
    const json j = json::parse(in);
    if (j.at("format") != kFormat || j.at("schema_version") != kVersion)
      throw InputError(fmt::format("not of format '{}' {}", kFormat, kVersion));
    return from_json(j);
  } catch (const InputError& error) {
    throw InputError(name + ": " + error.what());
  } catch (const json::exception& error) {
    throw InputError(fmt::format("{}: not a baseline that `vidattn check --accept` writes: {}",
                                 name, json_fault(error)));
  }
}

void write_baseline(const std::string& path, const Baseline& b) {
  json j{{"format", kFormat},      {"schema_version", kVersion}, {"suite", b.suite},
         {"updated", b.updated},   {"revision", b.revision},     {"machine_key", b.machine_key},
         {"platform", b.platform}, {"definition", b.definition}, {"accepted", b.accepted},
         {"cases", json::object()}};
  for (const auto& [key, c] : b.cases) j["cases"][key] = record_of(c);
  write_json(path, j);
}

}  // namespace vidattn
