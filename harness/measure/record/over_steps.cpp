#include "harness/measure/record/over_steps.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "harness/measure/record/case_groups.h"
#include "harness/measure/record/catalogue.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using StepCases = CasePointers;

/// Sums over the steps of a block; complete where every step has it.
struct SummedBlock {
  size_t steps = 0;
  double planning = 0, own = 0, dense = 0;
};

std::vector<SummedBlock> summed_blocks(const StepCases& cases) {
  std::map<int64_t, SummedBlock> sums;
  for (const Measurement* m : cases)
    for (const Block& b : m->blocks) {
      SummedBlock& sum = sums[b.index];
      ++sum.steps;
      sum.planning += b.plan_seconds;
      sum.own += b.seconds();
      sum.dense += b.dense_seconds;
    }
  std::vector<SummedBlock> complete;
  for (const auto& [index, sum] : sums)
    if (sum.steps == cases.size()) complete.push_back(sum);
  return complete;
}

void set_times_of_sums(Measurement& mean, const StepCases& cases) {
  std::vector<double> logs, planning;
  for (const SummedBlock& sum : summed_blocks(cases)) {
    planning.push_back(sum.planning / sum.own);
    if (sum.dense > 0) logs.push_back(std::log(sum.own / sum.dense));
  }
  if (!planning.empty()) mean.values["planning_share"].value = median(planning);
  if (logs.empty()) return;
  const RatioEstimate ratio = estimate_ratio(logs);
  const auto set = [&](const char* tag, double value) {
    mean.values[tag] = {"1", value, std::isnan(value) ? "too few blocks for an interval" : ""};
  };
  set("ratio", std::exp(ratio.log_ratio));
  set("ratio_low", std::exp(ratio.interval.low));
  set("ratio_high", std::exp(ratio.interval.high));
  set("speedup", std::exp(-ratio.log_ratio));
  set("realised_share", std::exp(-ratio.log_ratio) * mean.metric("density"));
}

/// Figures of one step's own interval, or of its blocks' ratio.
bool is_of_ratio(const std::string& tag) {
  return tag.starts_with("ratio") || tag.ends_with("_low") || tag.ends_with("_high");
}

Measurement mean_of_steps(const StepCases& cases) {
  Measurement mean;
  mean.identity = cases.front()->identity;
  mean.identity.content.clear();
  mean.setting = cases.front()->setting;
  mean.blocks = cases.front()->blocks;
  for (const MetricInfo& metric : catalogue()) {
    if (is_of_ratio(metric.tag)) continue;
    if (const auto value = mean_value(cases, metric)) mean.values[metric.tag] = *value;
  }
  if (const double density = mean.metric("density"); density > 0)
    mean.values["theoretical_speedup"].value = 1 / density;
  set_times_of_sums(mean, cases);
  return mean;
}

void add_part(OverSteps& over, const char* name, const StepCases& cases) {
  if (cases.empty()) return;
  StepPart part{name, {}, mean_of_steps(cases)};
  for (const Measurement* m : cases) part.steps.push_back(m->call()->step);
  over.parts.push_back(std::move(part));
}

OverSteps over_run(const StepCases& all, bool by_name) {
  OverSteps over;
  over.identity = all.front()->identity;
  over.layer = all.front()->call()->layer;
  if (by_name) over.place = without_step(all.front()->call()->source);
  over.steps = std::ssize(all);
  StepCases passed, first, steady;
  for (const Measurement* m : all)
    if (m->passed()) passed.push_back(m);
  over.passed = std::ssize(passed);
  const auto own = std::find_if(passed.begin(), passed.end(),
                                [](const Measurement* m) { return !m->plan.warm_up; });
  if (own != passed.end()) first.push_back(*own);
  for (size_t i = passed.size() / 2; i < passed.size(); ++i)
    if (!passed[i]->plan.warm_up && passed[i] != first[0]) steady.push_back(passed[i]);
  add_part(over, "first", first);
  add_part(over, "steady", steady);
  add_part(over, "run", passed);
  return over;
}

auto run_key(const Measurement& m, bool by_name) {
  const CaseIdentity& id = m.identity;
  const CallFacts& call = *m.call();
  return std::tuple(id.backend, id.device, id.dtype, id.density, call.layer, call.batch_entry,
                    by_name ? without_step(call.source) : "");
}

bool is_step(const Measurement& m) { return m.call() != nullptr && m.call()->run_steps > 0; }

/// The steps of each run, as step_runs() parted them: by layer and entry.
std::vector<std::vector<size_t>> runs_of(const std::vector<Measurement>& cases, bool by_name) {
  std::vector<size_t> places;
  for (size_t i = 0; i < cases.size(); ++i)
    if (is_step(cases[i])) places.push_back(i);
  auto runs = grouped(places, [&](size_t i) { return run_key(cases[i], by_name); });
  for (std::vector<size_t>& run : runs)
    std::stable_sort(run.begin(), run.end(), [&](size_t a, size_t b) {
      return cases[a].call()->step < cases[b].call()->step;
    });
  return runs;
}

bool has_a_step_twice(const std::vector<Measurement>& cases, const std::vector<size_t>& run) {
  const auto same = [&](size_t a, size_t b) {
    return cases[a].call()->step == cases[b].call()->step;
  };
  return std::adjacent_find(run.begin(), run.end(), same) != run.end();
}

}  // namespace

bool of_step_run(const std::vector<Measurement>& cases) {
  return std::any_of(cases.begin(), cases.end(), is_step);
}

std::vector<OverSteps> over_steps(const std::vector<Measurement>& cases) {
  auto runs = runs_of(cases, false);
  const bool by_name = std::any_of(runs.begin(), runs.end(),
                                   [&](const auto& run) { return has_a_step_twice(cases, run); });
  if (by_name) runs = runs_of(cases, true);
  std::vector<OverSteps> all;
  for (std::vector<size_t>& run : runs) {
    all.push_back(over_run(at_places(cases, run), by_name));
    all.back().members = std::move(run);
  }
  return all;
}

}  // namespace vidattn
