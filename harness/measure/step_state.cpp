#include "harness/measure/step_state.h"

#include <fmt/format.h>

#include <utility>

namespace vidattn {

std::string step_key(const Case& c) {
  const CaseIdentity& id = c.result.identity;
  return fmt::format("{}|{}|{}|{}", id.backend, id.device, id.dtype, id.density.value_or(0));
}

void join_run(Case& c, const StepState& state) {
  const std::string key = step_key(c);
  if (const auto found = state.settled.find(key); found != state.settled.end()) {
    const Case& settled = found->second;
    c.spec = settled.spec;
    c.result.setting = settled.result.setting;
    c.result.note = settled.result.note;
    c.result.outcome = settled.result.outcome;
    c.result.reason = settled.result.reason;
  }
  c.in.context = state.context;
  const auto kept = state.kept.find(key);
  c.before = kept != state.kept.end() ? kept->second : StepCache{};
}

void settle(const Case& c, StepState& state) {
  Case settled{c.spec, c.device, c.dtype, {}};
  settled.result = c.result;
  state.settled.insert_or_assign(step_key(c), std::move(settled));
}

void hand_on(Case& c, StepState& state) {
  if (c.before && c.passed()) state.kept[step_key(c)] = std::move(c.after);
}

}  // namespace vidattn
