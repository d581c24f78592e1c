#include "harness/measure/record/measurement.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/device.h"
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
  return !is_full() && metric("realised_share") > kMostRealised;
}

bool Measurement::cores_were_taken() const {
  constexpr double kTaken = 0.25;
  return timing && timing->cpus_of_others > kTaken * std::max(1, process.threads);
}

std::string above_peak(double share) {
  if (!(share > 1)) return {};
  return fmt::format("ran at {:.0f}% of the measured peak: its time or the peak was disturbed",
                     100 * share);
}

void mistrust_above_peak(Measurement& m) {
  const std::string fault = above_peak(m.metric("share_of_peak"));
  if (!m.passed() || fault.empty()) return;
  m.outcome = Outcome::mistrusted;
  m.reason = fault;
}

std::string case_name(const Measurement& m) {
  return fmt::format("{} [{} {}]", short_setting(m.setting), m.identity.device, m.identity.dtype);
}

std::string note_of(const Measurement& m, bool several_kinds) {
  if (!several_kinds || m.note.empty()) return m.note;
  const std::string kind = fmt::format(" [{} {}]", m.identity.device, m.identity.dtype);
  const std::string method = m.setting.substr(0, m.setting.find(':'));
  for (const std::string& name : {short_setting(m.setting), method})
    if (m.note.starts_with(name)) return name + kind + m.note.substr(name.size());
  return m.note + kind;
}

bool of_several_kinds(const std::vector<Measurement>& cases) {
  return std::any_of(cases.begin(), cases.end(), [&](const Measurement& m) {
    return m.identity.device != cases[0].identity.device ||
           m.identity.dtype != cases[0].identity.dtype;
  });
}

std::string emulation_note(const std::string& dtype, const std::string& device) {
  return fmt::format("{0} is emulated in float32 on {1}: its times are not those of {0}", dtype,
                     device);
}

std::vector<std::string> emulation_notes(const std::vector<Measurement>& cases) {
  std::vector<std::string> notes;
  for (const Measurement& m : cases) {
    if (m.plan.unit != kEmulated) continue;
    const std::string note = emulation_note(m.identity.dtype, m.identity.device);
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  }
  return notes;
}

}  // namespace vidattn
