#include "harness/measure/record/case_metrics.h"

#include <fmt/format.h>

#include "harness/measure/record/catalogue.h"
#include "harness/measure/record/measured_case.h"

namespace vidattn {
namespace {

MetricValue value_of(const MetricInfo& metric, const Computed& computed) {
  if (std::isfinite(computed.value)) return {metric.unit, computed.value};
  return {metric.unit, NAN, computed.reason.empty() ? "not finite" : computed.reason};
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
    for (const MetricInfo& metric : catalogue()) {
      const Computed computed = metric.compute(measured);
      if (!computed.absent) c.result.values[metric.tag] = value_of(metric, computed);
    }
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
