#include "harness/measure/record/measurement.h"

#include <fmt/format.h>

#include "harness/measure/backend_spec.h"
#include "harness/measure/density.h"

namespace vidattn {

double Measurement::metric(const std::string& tag) const {
  const auto found = values.find(tag);
  return found == values.end() ? NAN : found->second.value;
}

bool Measurement::missed_density() const {
  return identity.density && vidattn::missed_density(metric("density"), *identity.density);
}

bool Measurement::disturbed() const {
  constexpr double kMostRealised = 1.05;
  return !is_full() && metric("density") / metric("ratio_high") > kMostRealised;
}

void mistrust_above_peak(Measurement& m) {
  const double share = m.metric("share_of_peak");
  if (!m.passed() || !(share > 1)) return;
  m.outcome = Outcome::mistrusted;
  m.reason = fmt::format("ran at {:.0f}% of the measured peak: its time or the peak was disturbed",
                         100 * share);
}

std::string case_name(const Measurement& m) {
  return fmt::format("{} [{} {}]", short_setting(m.setting), m.identity.device, m.identity.dtype);
}

}  // namespace vidattn
