#include "harness/compare/selftest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/io/text_table.h"
#include "harness/measure/paired.h"
#include "harness/measure/record/workload_facts.h"
#include "harness/measure/verify.h"
#include "harness/store/measurement_json.h"
#include "metrics/statistics/detectable_effect.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr double kShareToFind = 0.9;

/// One comparison of a backend with itself.
struct Trial {
  std::string backend;
  RatioEstimate estimate;
  double effect = 0;  ///< minimum detectable
  Verdict verdict = Verdict::ambiguous;
};

Case checked_case(const std::string& backend, const Inputs& in) {
  Case c = make_case(backend, "cpu", DType::f32, in);
  std::vector<Dense> dense;
  check_case(c, dense);
  throw_if_cancelled();
  if (!c.passed())
    throw InputError(
        fmt::format("selftest: {} {}: {}", backend, to_string(c.result.outcome), c.result.reason));
  return c;
}

/// `first` keeps the seeds of the two parts apart.
std::vector<Trial> run_trials(const std::vector<Case>& cases, int64_t count, double slowdown,
                              double seconds, uint64_t first, const SelftestOptions& options) {
  std::vector<Trial> trials;
  for (int64_t i = 0; i < count; ++i) {
    Case a = cases[i % cases.size()], b = a;
    const std::string label = fmt::format("{} of {}: {} against itself{}", i + 1, count,
                                          a.result.setting, slowdown > 0 ? ", slowed down" : "");
    const Timings timings = measure_pair(
        a, b, paired_policy(seconds, first + static_cast<uint64_t>(i), label), slowdown);
    timings.rethrow_failure();
    if (interrupted()) break;
    const std::vector<double> logs = log_ratios(timings.contenders[1].blocks());
    Trial trial{a.result.setting, estimate_ratio(logs)};
    trial.effect = minimum_detectable_effect(logs, options.rule);
    trial.verdict = judge(trial.estimate, trial.estimate.p, options.rule);
    trials.push_back(trial);
  }
  return trials;
}

template <class Condition>
int64_t count(const std::vector<Trial>& trials, Condition condition) {
  return std::count_if(trials.begin(), trials.end(), condition);
}

int64_t count_of(const std::vector<Trial>& trials, Verdict verdict) {
  return count(trials, [&](const Trial& t) { return t.verdict == verdict; });
}

/// What one part found, with what calibrates the parts of the verdict.
json summary(const std::vector<Trial>& trials, double log_truth, double alpha) {
  json found;
  for (Verdict v : {Verdict::same, Verdict::ambiguous, Verdict::faster, Verdict::slower})
    found[to_string(v)] = count_of(trials, v);
  found["comparisons"] = trials.size();
  found["p_below_alpha"] = count(trials, [&](const Trial& t) { return t.estimate.p < alpha; });
  found["interval_holds_truth"] = count(trials, [&](const Trial& t) {
    return t.estimate.interval.low <= log_truth && log_truth <= t.estimate.interval.high;
  });
  std::vector<double> ratios, effects;
  for (const Trial& t : trials) {
    ratios.push_back(std::exp(t.estimate.log_ratio));
    effects.push_back(t.effect);
  }
  found["median_ratio"] = median(ratios);
  found["median_detectable_effect"] = median(effects);
  found["largest_detectable_effect"] = highest(effects);
  return found;
}

void print_part(const std::string& title, const json& s) {
  print_out("{}: same {}, ambiguous {}, faster {}, slower {}\n", title, s["same"].get<int>(),
            s["ambiguous"].get<int>(), s["faster"].get<int>(), s["slower"].get<int>());
  print_out(
      "  median ratio {:.4f}; p below alpha {} of {}; interval holds the true ratio {} of {}; "
      "detectable effect {:.2f}% (median), {:.2f}% (largest)\n",
      s["median_ratio"].get<double>(), s["p_below_alpha"].get<int>(), s["comparisons"].get<int>(),
      s["interval_holds_truth"].get<int>(), s["comparisons"].get<int>(),
      100 * s["median_detectable_effect"].get<double>(),
      100 * s["largest_detectable_effect"].get<double>());
}

json trial_records(const std::vector<Trial>& trials) {
  json records = json::array();
  for (const Trial& t : trials)
    records.push_back({{"backend", t.backend},
                       {"ratio", std::exp(t.estimate.log_ratio)},
                       {"low", std::exp(t.estimate.interval.low)},
                       {"high", std::exp(t.estimate.interval.high)},
                       {"p", t.estimate.p},
                       {"blocks", t.estimate.blocks},
                       {"minimum_detectable_effect", t.effect},
                       {"verdict", to_string(t.verdict)}});
  return records;
}

/// Prints and records one part.
Finish report_part(const std::string& key, const std::string& title,
                   const std::vector<Trial>& trials, int64_t wanted, double truth,
                   const SelftestOptions& options, json& record) {
  const bool cut = std::ssize(trials) < wanted;  // interrupted
  if (cut)
    print_out("{}: interrupted, {} of {}\n", title, std::ssize(trials),
              counted(wanted, "comparison"));
  if (trials.empty()) return cut ? Finish::inconclusive : Finish::passed;
  json part = summary(trials, std::log1p(truth), options.rule.alpha);
  print_part(title, part);
  const auto n = static_cast<double>(trials.size());
  const auto slower = static_cast<double>(count_of(trials, Verdict::slower));
  const auto faster = static_cast<double>(count_of(trials, Verdict::faster));
  std::vector<Verdict> verdicts;
  for (const Trial& t : trials) verdicts.push_back(t.verdict);
  const Finish judged = judge_part(verdicts, truth > 0, options.rule.alpha);
  const Finish finish = cut ? std::max(judged, Finish::inconclusive) : judged;
  const std::string found =
      truth > 0 ? fmt::format("{:g} of {:g} found, {:g}% needed", slower, n, 100 * kShareToFind)
                : fmt::format("{:g} of {:g} wrong, {:g}% allowed", slower + faster, n,
                              100 * options.rule.alpha);
  print_out(
      "  {}: {}{}\n", to_string(finish), found,
      judged == Finish::inconclusive ? "; every comparison was ambiguous, give more time" : "");
  part["passed"] = finish == Finish::passed;
  part["finish"] = to_string(finish);
  part["trials"] = trial_records(trials);
  record[key] = std::move(part);
  return finish;
}

}  // namespace

std::string to_string(Finish finish) {
  return finish == Finish::passed ? "passed" : finish == Finish::failed ? "FAILED" : "inconclusive";
}

Finish judge_part(const std::vector<Verdict>& verdicts, bool slowed, double alpha) {
  const auto of = [&](Verdict verdict) {
    return static_cast<double>(std::count(verdicts.begin(), verdicts.end(), verdict));
  };
  const auto n = static_cast<double>(verdicts.size());
  if (of(Verdict::ambiguous) == n) return Finish::inconclusive;
  const double wrong = of(Verdict::slower) + of(Verdict::faster);
  const bool passed = slowed ? of(Verdict::slower) >= kShareToFind * n : wrong <= alpha * n;
  return passed ? Finish::passed : Finish::failed;
}

ExitCode selftest(const SelftestOptions& options) {
  for (const std::string& backend : options.backends) parse_backend(backend);
  json record = record_header("selftest", "1.0", options.arguments);  // before the work
  const Workload workload = build_workload(options.workload);
  const json facts = to_json(workload_facts(workload));
  std::vector<Case> cases;
  for (const std::string& backend : options.backends)
    cases.push_back(checked_case(backend, workload.inputs));
  Outputs outputs;
  const auto same = run_trials(cases, options.same, 0, options.seconds, options.seed, options);
  std::vector<Trial> slowed;
  if (options.slowdown > 0)
    slowed = run_trials(cases, options.tries, options.slowdown, options.slowed_seconds,
                        options.seed + static_cast<uint64_t>(options.same), options);
  outputs.begin();
  record.update({{"interrupted", interrupted()},
                 {"seconds", options.seconds},
                 {"margin", options.rule.margin},
                 {"alpha", options.rule.alpha},
                 {"workload", facts},
                 {"injected", options.slowdown},
                 {"slowed_seconds", options.slowed_seconds}});
  print_out(
      "workload {}: {} tokens; {:g} and {:g} s a comparison, margin {:g}%, alpha {:g}, load {}\n",
      workload.name, workload.inputs.length(), options.seconds, options.slowed_seconds,
      100 * options.rule.margin, options.rule.alpha,
      record["environment"]["state"].value("load_average", json()).dump());
  const Finish finish = std::max(
      report_part("same", "against itself", same, options.same, 0, options, record),
      report_part("slowed", fmt::format("slowed down by {:g}%", 100 * options.slowdown), slowed,
                  options.slowdown > 0 ? options.tries : 0, options.slowdown, options, record));
  record["passed"] = finish == Finish::passed;
  record["finish"] = to_string(finish);
  if (!options.out.empty()) outputs.write([&] { write_json(options.out, record); });
  return outputs.code(finish == Finish::passed         ? ExitCode::fine
                      : finish == Finish::inconclusive ? ExitCode::invalid
                                                       : ExitCode::regression);
}

}  // namespace vidattn
