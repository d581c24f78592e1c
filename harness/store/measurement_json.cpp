#include "harness/store/measurement_json.h"

#include "harness/io/json_file.h"

namespace vidattn {
namespace {

using nlohmann::json;

template <class T>
json optional(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

/// A member that may be missing or null.
double number_in(const json& j, const char* key, double otherwise) {
  const json value = j.value(key, json());
  return value.is_number() ? value.get<double>() : otherwise;
}

json to_json(const Block& b) {
  return {{"block", b.index},
          {"plan_seconds", b.plan_seconds},
          {"run_seconds", b.run_seconds},
          {"dense_seconds", number_or_null(b.dense_seconds)},
          {"peak_flops", number_or_null(b.peak_flops)},
          {"position", b.position},
          {"dense_position", b.dense_position},
          {"outlier", b.outlier}};
}

Block block_from_json(const json& j) {
  return {j.at("block"),
          j.at("plan_seconds"),
          j.at("run_seconds"),
          number_or_nan(j.at("dense_seconds")),
          number_or_nan(j.at("peak_flops")),
          j.at("position"),
          j.at("dense_position"),
          j.at("outlier")};
}

json to_json(const TimingFacts& t) {
  json j{{"evicted_bytes", t.evicted_bytes},
         {"order_seed", t.order_seed},
         {"interval_asked", t.interval_asked},
         {"seconds_asked", t.seconds_asked},
         {"rounds", t.rounds},
         {"warm_up",
          {{"rounds", t.warm_up_rounds}, {"settled", t.settled}, {"seconds", t.warm_up_seconds}}},
         {"stopped_by", t.stopped_by},
         {"seconds", t.seconds},
         {"stolen_share", number_or_null(t.stolen_share)},
         {"cpus_of_others", number_or_null(t.cpus_of_others)}};
  if (!t.fed_gflops.empty()) j["fed_fma_gflops"] = t.fed_gflops;
  return j;
}

TimingFacts timing_from_json(const json& j) {
  TimingFacts t;
  t.evicted_bytes = j.value("evicted_bytes", t.evicted_bytes);
  t.order_seed = j.value("order_seed", t.order_seed);
  t.interval_asked = j.value("interval_asked", t.interval_asked);
  t.seconds_asked = j.value("seconds_asked", t.seconds_asked);
  t.rounds = j.value("rounds", t.rounds);
  const json warm_up = j.value("warm_up", json::object());
  t.warm_up_rounds = warm_up.value("rounds", t.warm_up_rounds);
  t.settled = warm_up.value("settled", t.settled);
  t.warm_up_seconds = warm_up.value("seconds", t.warm_up_seconds);
  t.fed_gflops = j.value("fed_fma_gflops", t.fed_gflops);
  t.stopped_by = j.value("stopped_by", t.stopped_by);
  t.seconds = j.value("seconds", t.seconds);
  t.stolen_share = number_in(j, "stolen_share", NAN);
  t.cpus_of_others = number_in(j, "cpus_of_others", NAN);
  return t;
}

void add_plan(const PlanFacts& plan, json& j) {
  j["checksum"] = plan.checksum;
  j["density_per_head"] = plan.density_per_head;
  j["branches"] = j["planning_stages"] = json::array();
  for (const PlanFacts::Branch& b : plan.branches)
    j["branches"].push_back(
        {{"name", b.name}, {"density", b.density}, {"pairs_per_head", b.pairs_per_head}});
  for (const PlanFacts::Stage& s : plan.stages)
    j["planning_stages"].push_back(
        {{"name", s.name}, {"seconds", s.seconds}, {"flops", s.flops}, {"bytes", s.bytes}});
  j["figures"] = plan.figures;
  j["check_tokens"] = plan.check_tokens;
  j["extrapolated_by"] = plan.extrapolated_by;
}

void read_plan(const json& j, PlanFacts& plan) {
  plan.checksum = j.value("checksum", "");
  plan.density_per_head = j.value("density_per_head", plan.density_per_head);
  for (const json& b : j.value("branches", json::array()))
    plan.branches.push_back({b.at("name"), b.at("density"), b.at("pairs_per_head")});
  for (const json& s : j.value("planning_stages", json::array()))
    plan.stages.push_back({s.at("name"), s.at("seconds"), s.at("flops"), s.at("bytes")});
  const json figures = j.value("figures", json::object());
  for (const auto& [name, value] : figures.items()) plan.figures[name] = number_or_nan(value);
  plan.check_tokens = j.value("check_tokens", plan.check_tokens);
  plan.extrapolated_by = j.value("extrapolated_by", plan.extrapolated_by);
}

json to_json(const MetricValue& m) {
  json j{{"unit", m.unit}, {"value", number_or_null(m.value)}};
  if (!std::isfinite(m.value)) j["reason"] = m.reason;
  return j;
}

}  // namespace

json to_json(const WorkloadFacts& w) {
  return {{"name", w.name},    {"provenance", w.provenance},   {"length", w.length},
          {"heads", w.heads},  {"kv_heads", w.kv_heads},       {"dim", w.dim},
          {"grid", w.grid},    {"text_tokens", w.text_tokens}, {"shots", w.shots},
          {"sha256", w.sha256}};
}

WorkloadFacts workload_facts_from_json(const json& j) {
  WorkloadFacts w;
  w.name = j.value("name", "");
  w.provenance = j.value("provenance", json());
  w.length = j.value("length", w.length);
  w.heads = j.value("heads", w.heads);
  w.kv_heads = j.value("kv_heads", w.heads);
  w.dim = j.value("dim", w.dim);
  w.grid = j.value("grid", w.grid);
  w.text_tokens = j.value("text_tokens", w.text_tokens);
  w.shots = j.value("shots", w.shots);
  w.sha256 = j.value("sha256", w.sha256);
  return w;
}

json to_json(const CaseIdentity& id) {
  return {{"workload", id.workload},
          {"backend", id.backend},
          {"device", id.device},
          {"dtype", id.dtype},
          {"density", optional(id.density)},
          {"cache", id.cold ? "cold" : "warm"},
          {"content", id.content}};
}

CaseIdentity identity_from_json(const json& j) {
  CaseIdentity id{j.at("workload"), j.at("backend"), j.at("device"), j.at("dtype")};
  const json density = j.value("density", json());
  if (!density.is_null()) id.density = density.get<double>();
  id.cold = j.value("cache", "warm") == "cold";
  id.content = j.value("content", id.content);
  return id;
}

json details_json(const Measurement& m) {
  json j = json::object();
  if (!m.plan.checksum.empty()) add_plan(m.plan, j);
  if (m.runs_in_a_row > 1) j["runs_in_a_row"] = m.runs_in_a_row;
  if (m.process.threads > 0) j["threads"] = m.process.threads;
  if (!m.process.error_output.empty()) j["error_output"] = m.process.error_output;
  if (m.timing) j["timing"] = to_json(*m.timing);
  if (m.workload) j["workload"] = to_json(*m.workload);
  return j;
}

void read_details(const json& details, Measurement& m) {
  if (!details.is_object()) return;  // a case that an interrupt kept from being described
  read_plan(details, m.plan);
  m.runs_in_a_row = details.value("runs_in_a_row", m.runs_in_a_row);
  m.process.threads = details.value("threads", 0);
  m.process.error_output = details.value("error_output", "");
  const json timing = details.value("timing", json()), workload = details.value("workload", json());
  if (timing.is_object()) {
    m.timing = timing_from_json(timing);
    m.identity.cold |= timing.value("cache", "warm") == "cold";  // where schema 1.0 has it
  }
  if (workload.is_object()) m.workload = workload_facts_from_json(workload);
}

json to_json(const Measurement& m) {
  json j = to_json(m.identity);
  j.update({{"key", m.key()},
            {"setting", m.setting},
            {"outcome", to_string(m.outcome)},
            {"reason", m.reason},
            {"note", m.note},
            {"command", m.command},
            {"process", m.process.id},
            {"started", m.process.started},
            {"seconds", m.process.seconds},
            {"peak_bytes", optional(m.process.peak_bytes)},
            {"metrics", json::object()},
            {"blocks", json::array()},
            {"details", details_json(m)}});
  for (const auto& [tag, value] : m.values) j["metrics"][tag] = to_json(value);
  for (const Block& b : m.blocks) j["blocks"].push_back(to_json(b));
  return j;
}

Measurement measurement_from_json(const json& j) {
  Measurement m;
  m.identity = identity_from_json(j);
  m.setting = j.value("setting", m.identity.backend);
  m.outcome = parse_outcome(j.at("outcome"));
  m.reason = j.at("reason");
  m.note = j.at("note");
  m.command = j.at("command");
  m.process.id = j.at("process");
  m.process.started = j.at("started");
  m.process.seconds = j.at("seconds");
  if (!j.at("peak_bytes").is_null()) m.process.peak_bytes = j["peak_bytes"].get<int64_t>();
  for (const auto& [tag, value] : j.at("metrics").items())
    m.values[tag] = {value.at("unit"), number_or_nan(value.at("value")), value.value("reason", "")};
  for (const json& b : j.at("blocks")) m.blocks.push_back(block_from_json(b));
  read_details(j.at("details"), m);
  modernize(m);
  return m;
}

void modernize(Measurement& m) {
  if (m.setting.empty()) m.setting = m.identity.backend;
  if (m.outcome == Outcome::skipped && m.reason == "interrupted") m.outcome = Outcome::interrupted;
  if (m.identity.content.empty() && m.workload && !m.workload->sha256.empty()) {
    m.identity.content = m.workload->sha256;
    m.identity.content["geometry"] = geometry_text(*m.workload);
  }
  const auto old = m.values.find("share_of_fma_peak");
  if (old == m.values.end() || m.values.count("share_of_peak") > 0 || m.identity.dtype != "f32")
    return;
  m.values["share_of_peak"] = old->second;
  m.values.erase(old);
  mistrust_above_peak(m);
}

}  // namespace vidattn
