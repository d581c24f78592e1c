#include "harness/store/measurement_json.h"

#include "harness/io/json_file.h"
#include "harness/measure/record/catalogue.h"
#include "harness/store/ranks/rank_balance_json.h"

namespace vidattn {
namespace {

using nlohmann::json;

template <class T>
json optional(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

// Beyond any of them, and far from where their products leave double: plans index tokens with 32
// bits.
constexpr int64_t kMost = int64_t{1} << 53, kMostTokens = INT32_MAX, kMostHeads = 1 << 20;
constexpr double kLongest = 1e12;

json to_json(const Block& b) {
  return {{"block", b.index},
          {"plan_seconds", b.plan_seconds},
          {"run_seconds", b.run_seconds},
          {"dense_seconds", number_or_null(b.dense_seconds)},
          {"peak_flops", number_or_null(b.peak_flops)},
          {"position", b.position},
          {"dense_position", b.dense_position},
          {"outlier", b.outlier},
          {"cpu_seconds", number_or_null(b.cpu_seconds)},
          {"backward_seconds", b.backward_seconds}};
}

/// A control that was not measured, and an unknown peak, is null or 0.
Block block_from_json(const JsonReader& j) {
  Block b;
  b.index = j.at("block").integer(0, kMost);
  b.plan_seconds = j.at("plan_seconds").number(0, kLongest);
  b.run_seconds = j.at("run_seconds").number(0, kLongest);
  b.dense_seconds = j.at("dense_seconds").number_or_nan();
  b.peak_flops = j.at("peak_flops").number_or_nan();
  j.read("position", b.position);
  j.read("dense_position", b.dense_position);
  j.read("outlier", b.outlier);
  if (const JsonReader cpu = j.maybe("cpu_seconds"); !cpu.is_null())
    b.cpu_seconds = cpu.number(0, kLongest);
  if (const JsonReader backward = j.maybe("backward_seconds"); !backward.is_null())
    b.backward_seconds = backward.number(0, kLongest);
  return b;
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

TimingFacts timing_from_json(const JsonReader& j) {
  TimingFacts t;
  j.read_if("evicted_bytes", t.evicted_bytes);
  j.read_if("order_seed", t.order_seed);
  j.read_if("interval_asked", t.interval_asked);
  j.read_if("seconds_asked", t.seconds_asked);
  j.read_if("rounds", t.rounds);
  const JsonReader warm_up = j.maybe("warm_up");
  warm_up.read_if("rounds", t.warm_up_rounds);
  warm_up.read_if("settled", t.settled);
  warm_up.read_if("seconds", t.warm_up_seconds);
  j.read_if("fed_fma_gflops", t.fed_gflops);
  j.read_if("stopped_by", t.stopped_by);
  j.read_if("seconds", t.seconds);
  t.stolen_share = j.maybe("stolen_share").number_or_nan();
  t.cpus_of_others = j.maybe("cpus_of_others").number_or_nan();
  return t;
}

void add_plan(const PlanFacts& plan, json& j) {
  j["checksum"] = plan.checksum;
  if (plan.warm_up) j["warm_up"] = true;
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
  if (!plan.unit.empty()) j["low_bit_unit"] = plan.unit;
  for (const RankBalance& ranks : plan.ranks) j["ranks"].push_back(to_json(ranks));
}

void read_plan(const JsonReader& j, PlanFacts& plan) {
  j.read_if("checksum", plan.checksum);
  j.read_if("warm_up", plan.warm_up);
  j.read_if("density_per_head", plan.density_per_head);
  for (const JsonReader& b : j.maybe("branches").items()) {
    PlanFacts::Branch& branch = plan.branches.emplace_back();
    b.read("name", branch.name);
    b.read("density", branch.density);
    b.read("pairs_per_head", branch.pairs_per_head);
  }
  for (const JsonReader& s : j.maybe("planning_stages").items()) {
    PlanFacts::Stage& stage = plan.stages.emplace_back();
    s.read("name", stage.name);
    s.read("seconds", stage.seconds);
    s.read("flops", stage.flops);
    s.read("bytes", stage.bytes);
  }
  for (const auto& [name, value] : j.maybe("figures").members())
    plan.figures[name] = value.number_or_nan();
  j.read_if("check_tokens", plan.check_tokens);
  j.read_if("extrapolated_by", plan.extrapolated_by);
  if (const JsonReader unit = j.maybe("low_bit_unit"); !unit.is_null()) plan.unit = unit.line();
  if (const JsonReader ranks = j.maybe("ranks"); !ranks.is_null())
    for (const JsonReader& of : ranks.items()) plan.ranks.push_back(rank_balance_from_json(of));
}

json numbers_or_null(const std::vector<double>& values) {
  json array = json::array();
  for (const double value : values) array.push_back(number_or_null(value));
  return array;
}

json to_json(const HeadFigures& heads) {
  return {{"recall", numbers_or_null(heads.recall)},
          {"relative_l2", numbers_or_null(heads.relative_l2)},
          {"cosine", numbers_or_null(heads.cosine)},
          {"keyless", heads.keyless}};
}

HeadFigures head_figures_from_json(const JsonReader& j) {
  HeadFigures heads;
  for (auto [key, values] : {std::pair{"recall", &heads.recall},
                             {"relative_l2", &heads.relative_l2},
                             {"cosine", &heads.cosine}})
    for (const JsonReader& value : j.at(key).items()) values->push_back(value.number_or_nan());
  for (const JsonReader& count : j.at("keyless").items())
    heads.keyless.push_back(count.integer(0, kMostTokens));
  const size_t count = heads.recall.size();
  if (heads.relative_l2.size() != count || heads.cosine.size() != count ||
      heads.keyless.size() != count)
    j.refuse("its lists are of different lengths");
  return heads;
}

CallFacts call_from_json(const JsonReader& j) {
  const auto number = [&](const char* key, int64_t unknown) {
    const JsonReader value = j.maybe(key);
    return value.is_null() ? unknown : value.integer(unknown, kMost);
  };
  CallFacts call;
  call.layer = number("layer", -1);
  call.step = number("step", -1);
  call.batch_entry = number("batch_entry", -1);
  call.first_head = number("first_head", 0);
  call.run_steps = number("run_steps", 0);
  if (const JsonReader heads = j.maybe("heads"); !heads.is_null())
    for (const JsonReader& head : heads.items()) call.heads.push_back(head.integer(0, kMostHeads));
  for (auto [key, text] : {std::pair{"prompt", &call.prompt}, {"source", &call.source}})
    if (const JsonReader said = j.maybe(key); !said.is_null()) *text = said.line();
  return call;
}

json to_json(const MetricValue& m) {
  json j{{"unit", m.unit}, {"value", number_or_null(m.value)}};
  if (!std::isfinite(m.value)) j["reason"] = m.reason;
  return j;
}

json values_json(const std::map<std::string, MetricValue>& values) {
  json metrics = json::object();
  for (const auto& [tag, value] : values) metrics[tag] = to_json(value);
  return metrics;
}

json to_json(const KindFacts& kind) {
  json j{{"name", kind.name},
         {"layer", kind.layer},
         {"share", kind.share},
         {"metrics", values_json(kind.values)}};
  add_plan(kind.plan, j);
  return j;
}

KindFacts kind_from_json(const JsonReader& j) {
  KindFacts kind;
  kind.name = j.at("name").line();
  kind.layer = j.at("layer").integer(0, kMost);
  kind.share = j.at("share").number(0, 1);
  kind.values = metrics_from_json(j.at("metrics"));
  read_plan(j, kind.plan);
  return kind;
}

}  // namespace

json to_json(const CallFacts& call) {
  json j{{"layer", known_or_null(call.layer)},
         {"step", known_or_null(call.step)},
         {"batch_entry", known_or_null(call.batch_entry)},
         {"first_head", call.first_head},
         {"prompt", call.prompt},
         {"source", call.source}};
  if (call.run_steps > 0) j["run_steps"] = call.run_steps;
  if (!call.heads.empty()) j["heads"] = call.heads;
  return j;
}

json to_json(const WorkloadFacts& w) {
  json j{{"name", w.name},    {"provenance", w.provenance},   {"length", w.length},
         {"heads", w.heads},  {"kv_heads", w.kv_heads},       {"dim", w.dim},
         {"grid", w.grid},    {"text_tokens", w.text_tokens}, {"shots", w.shots},
         {"sha256", w.sha256}};
  if (w.call) j["call"] = to_json(*w.call);
  if (w.keys > 0) j["keys"] = w.keys;
  if (w.value_dim > 0) j["value_dim"] = w.value_dim;
  return j;
}

WorkloadFacts workload_facts_from_json(const JsonReader& j) {
  WorkloadFacts w;
  w.name = j.maybe("name").is_null() ? "" : j.at("name").line();
  w.provenance = j.maybe("provenance").value();
  if (!w.provenance.is_null()) j.at("provenance").object();
  const auto size = [&](const char* key, int64_t otherwise, int64_t most) {
    return j.maybe(key).is_null() ? otherwise : j.at(key).integer(0, most);
  };
  w.length = size("length", 0, kMostTokens);
  w.heads = size("heads", 0, kMostHeads);
  w.kv_heads = size("kv_heads", w.heads, kMostHeads);
  w.dim = size("dim", 0, kMostHeads);
  w.keys = size("keys", 0, kMostTokens);
  w.value_dim = size("value_dim", 0, kMostHeads);
  w.text_tokens = size("text_tokens", 0, kMostTokens);
  if (const JsonReader grid = j.maybe("grid"); !grid.is_null()) {
    const std::vector<JsonReader> sizes = grid.items();
    if (sizes.size() != w.grid.size()) grid.expected("frames, height and width");
    for (size_t i = 0; i < sizes.size(); ++i) w.grid[i] = sizes[i].integer(0, kMostTokens);
  }
  j.read_if("shots", w.shots);
  j.read_if("sha256", w.sha256);
  if (const JsonReader call = j.maybe("call"); !call.is_null()) w.call = call_from_json(call);
  return w;
}

json to_json(const CaseIdentity& id) {
  return {{"workload", id.workload},
          {"backend", id.backend},
          {"device", id.device},
          {"dtype", id.dtype},
          {"density_target", optional(id.density)},
          {"cache", id.cold ? "cold" : "warm"},
          {"pass", to_string(id.pass)},
          {"content", id.content}};
}

CaseIdentity identity_from_json(const JsonReader& j) {
  CaseIdentity id;
  id.workload = j.at("workload").line();
  j.read("backend", id.backend);
  j.read("device", id.device);
  j.read("dtype", id.dtype);
  for (const char* name : {"density_target", "density"})  // by the second before 3.0
    if (const JsonReader density = j.maybe(name); !density.is_null()) id.density = density.number();
  id.cold = j.maybe("cache").get_or<std::string>("warm") == "cold";
  if (const JsonReader pass = j.maybe("pass"); !pass.is_null())
    id.pass = pass.placed([&] { return parse_pass(pass.text()); });
  j.read_if("content", id.content);
  return id;
}

json details_json(const Measurement& m) {
  json j = json::object();
  if (!m.plan.checksum.empty()) add_plan(m.plan, j);
  if (!m.per_head.empty()) j["per_head"] = to_json(m.per_head);
  for (const KindFacts& kind : m.kinds) j["layer_kinds"].push_back(to_json(kind));
  if (m.runs_in_a_row > 1) j["runs_in_a_row"] = m.runs_in_a_row;
  if (m.process.threads > 0) j["threads"] = m.process.threads;
  if (!m.process.error_output.empty()) j["error_output"] = m.process.error_output;
  if (m.timing) j["timing"] = to_json(*m.timing);
  if (m.workload) j["workload"] = to_json(*m.workload);
  return j;
}

void read_details(const JsonReader& details, Measurement& m) {
  if (details.is_null()) return;  // a case that an interrupt kept from being described
  read_plan(details, m.plan);
  if (const JsonReader heads = details.maybe("per_head"); !heads.is_null())
    m.per_head = head_figures_from_json(heads);
  if (const JsonReader kinds = details.maybe("layer_kinds"); !kinds.is_null())
    for (const JsonReader& kind : kinds.items()) m.kinds.push_back(kind_from_json(kind));
  details.read_if("runs_in_a_row", m.runs_in_a_row);
  details.read_if("threads", m.process.threads);
  if (const JsonReader said = details.maybe("error_output"); !said.is_null())
    m.process.error_output = said.raw_text();
  if (const JsonReader timing = details.maybe("timing"); !timing.is_null()) {
    m.timing = timing_from_json(timing);
    // where schema 1.0 has it
    m.identity.cold |= timing.maybe("cache").get_or<std::string>("warm") == "cold";
  }
  if (const JsonReader workload = details.maybe("workload"); !workload.is_null())
    m.workload = workload_facts_from_json(workload);
}

json to_json(const Measurement& m) {
  json j = to_json(m.identity);
  j.update({{"key", m.key()},
            {"setting", m.setting},
            {"missed_density", m.missed_density()},
            {"outcome", to_string(m.outcome)},
            {"reason", m.reason},
            {"note", m.note},
            {"command", m.command},
            {"process", m.process.id},
            {"started", m.process.started},
            {"seconds", m.process.seconds},
            {"peak_bytes", optional(m.process.peak_bytes)},
            {"metrics", metrics_json(m)},
            {"blocks", json::array()},
            {"details", details_json(m)}});
  for (const Block& b : m.blocks) j["blocks"].push_back(to_json(b));
  return j;
}

json metrics_json(const Measurement& m) { return values_json(m.values); }

MetricValue metric_from_json(const JsonReader& j) {
  MetricValue m;
  j.read_if("unit", m.unit);
  m.value = j.at("value").number_or_nan();
  if (const JsonReader reason = j.maybe("reason"); !reason.is_null()) m.reason = reason.line();
  return m;
}

std::map<std::string, MetricValue> metrics_from_json(const JsonReader& j) {
  std::map<std::string, MetricValue> metrics;
  for (const auto& [tag, value] : j.members()) metrics[tag] = metric_from_json(value);
  return metrics;
}

Measurement measurement_from_json(const JsonReader& j) {
  Measurement m;
  m.identity = identity_from_json(j);
  m.setting = j.maybe("setting").get_or(m.identity.backend);
  const JsonReader outcome = j.at("outcome");
  m.outcome = outcome.placed([&] { return parse_outcome(outcome.text()); });
  m.reason = j.at("reason").line();
  m.note = j.at("note").line();
  m.command = j.at("command").line();
  m.process.id = j.at("process").text();
  m.process.started = j.at("started").text();
  m.process.seconds = j.at("seconds").number();
  if (const JsonReader bytes = j.at("peak_bytes"); !bytes.is_null())
    m.process.peak_bytes = bytes.integer(0, kMost);
  m.values = metrics_from_json(j.at("metrics"));
  for (const JsonReader& b : j.at("blocks").items()) m.blocks.push_back(block_from_json(b));
  read_details(j.at("details"), m);
  modernize(m);
  return m;
}

void modernize(Measurement& m) {
  if (m.setting.empty()) m.setting = m.identity.backend;
  if (m.outcome == Outcome::skipped && m.reason == "interrupted") m.outcome = Outcome::interrupted;
  if (m.identity.density && m.values.contains("density"))
    m.values.try_emplace(std::string(kTargetTag), MetricValue{"1", *m.identity.density});
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
