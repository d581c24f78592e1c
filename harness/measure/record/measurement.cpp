#include "harness/measure/record/measurement.h"

#include <fmt/format.h>

namespace vidattn {

double Measurement::metric(const std::string& tag) const {
  const auto found = values.find(tag);
  return found == values.end() ? NAN : found->second.value;
}

void mistrust_above_peak(Measurement& m) {
  const double share = m.metric("share_of_peak");
  if (!m.passed() || !(share > 1)) return;
  m.outcome = Outcome::mistrusted;
  m.reason = fmt::format("ran at {:.0f}% of the measured peak: its time or the peak was disturbed",
                         100 * share);
}

std::string case_name(const Measurement& m) {
  return fmt::format("{} [{} {}]", m.setting, m.identity.device, m.identity.dtype);
}

}  // namespace vidattn
