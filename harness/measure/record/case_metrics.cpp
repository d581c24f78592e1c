#include "harness/measure/record/case_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "harness/measure/cases/kinds.h"
#include "harness/measure/record/catalogue.h"
#include "harness/measure/record/measured_case.h"

namespace vidattn {
namespace {

MetricValue value_of(const MetricInfo& metric, const Computed& computed) {
  if (std::isfinite(computed.value)) return {metric.unit, computed.value};
  return {metric.unit, NAN, computed.reason.empty() ? "not finite" : computed.reason};
}

/// Means over the kinds of layers; unknown where one is.
Computed mean_computed(const MetricInfo& metric, const std::vector<MeasuredCase>& kinds) {
  const Computed first = metric.compute(kinds.front());
  Computed mean = first;
  for (const MeasuredCase& kind : kinds) {
    Computed computed = metric.compute(kind);
    if (computed.absent || !std::isfinite(computed.value)) return computed;
    mean.value += kind.c.share * (computed.value - first.value);  // exact where all are equal
  }
  return mean;
}

/// The times of a kind are medians over all runs, beside no control.
bool is_of_kinds(const MetricInfo& metric) {
  constexpr std::string_view kTimes[] = {"plan_time", "run_time", "backward_time", "total_time"};
  return metric.kind != MetricKind::time ||
         std::find(std::begin(kTimes), std::end(kTimes), metric.tag) != std::end(kTimes);
}

KindFacts facts_of_kind(const MeasuredCase& kind) {
  const StepContext& context = kind.c.in.context;
  KindFacts facts{kind_name(kind.c), context.layer, kind.c.share, kind.c.result.plan, {}};
  for (const MetricInfo& metric : catalogue()) {
    if (metric.in(kOfMean) || !is_of_kinds(metric)) continue;
    const Computed computed = metric.compute(kind);
    if (!computed.absent) facts.values[metric.tag] = value_of(metric, computed);
  }
  return facts;
}

/// The case's values, and those of its kinds of layers.
void add_values(Case& c, const MeasuredCase& measured, const DenoisingRun& denoising) {
  std::vector<MeasuredCase> kinds;
  kinds.reserve(c.kinds.size());
  for (const Case& kind : c.kinds) kinds.emplace_back(kind, nullptr, denoising, nullptr);
  for (const MetricInfo& metric : catalogue()) {
    const bool own = kinds.empty() || metric.in(kOfMean) || metric.kind == MetricKind::time ||
                     metric.kind == MetricKind::memory;
    const Computed computed = own ? metric.compute(measured) : mean_computed(metric, kinds);
    if (!computed.absent) c.result.values[metric.tag] = value_of(metric, computed);
  }
  c.result.kinds.clear();
  for (const MeasuredCase& kind : kinds) c.result.kinds.push_back(facts_of_kind(kind));
}

/// Fewer pairs cannot save more than their share, but for what caches make of it.
void mark_disturbed(Measurement& m) {
  if (!m.disturbed()) return;
  m.note += fmt::format(
      "{}{}: disturbed: its speedup is {:.3g} times what its density allows; full attention beside "
      "it was slowed down, or the method's keys fit a cache that all keys do not",
      m.note.empty() ? "" : "; ", short_setting(m.setting), m.metric("realised_share"));
}

}  // namespace

const Case* control_of(const std::vector<Case>& cases, const Case& c) {
  for (const Case& other : cases)
    if (other.is_full() && other.device == c.device && other.dtype == c.dtype &&
        !other.run_seconds.empty())
      return &other;
  return nullptr;
}

void add_metrics(std::vector<Case>& cases, const DenoisingRun& denoising,
                 const std::optional<TimingFacts>& timing) {
  for (Case& c : cases) {
    if (!c.passed()) continue;
    const MeasuredCase measured(c, control_of(cases, c), denoising, timing ? &*timing : nullptr);
    add_values(c, measured, denoising);
    c.result.plan.extrapolated_by = c.scale_up;
    c.result.timing = timing;
    if (c.run_seconds.empty()) {
      c.result.outcome = Outcome::interrupted;
      c.result.reason = "interrupted before it was timed";
    }
    mistrust_above_peak(c.result);
    mark_disturbed(c.result);
  }
}

}  // namespace vidattn
