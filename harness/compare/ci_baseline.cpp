#include "harness/compare/ci_baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"

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

json to_json(const BaselineCase& c) {
  return {{"figures", c.figures},
          {"checksum", c.checksum},
          {"ratio", number_or_null(c.ratio)},
          {"fed_ratio", number_or_null(c.fed_ratio)}};
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
  for (const auto& [key, c] : j.at("cases").items())
    b.cases[key] = {c.at("figures").get<std::map<std::string, double>>(), c.at("checksum"),
                    relative_time(c.at("ratio")), relative_time(c.at("fed_ratio"))};
  return b;
}

}  // namespace

const std::vector<std::string> kExactFigures = {"pairs", "attention_flops", "density",
                                                "index_memory"};
const std::vector<std::string> kFidelityFigures = {"relative_l2", "cosine", "max_error",
                                                   "recall_mean", "recall_p5"};

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
  for (const StoredCase& c : run.cases) {
    if (c.outcome != Outcome::passed) continue;
    BaselineCase& made = b.cases[c.key];
    for (const auto* tags : {&kExactFigures, &kFidelityFigures})
      for (const std::string& tag : *tags)
        if (std::isfinite(c.metric(tag))) made.figures[tag] = c.metric(tag);
    made.checksum = c.details.value("checksum", "");
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
  for (const auto& [key, c] : b.cases) j["cases"][key] = to_json(c);
  write_json(path, j);
}

}  // namespace vidattn
