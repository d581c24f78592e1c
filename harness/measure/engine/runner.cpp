#include "harness/measure/engine/runner.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "attention/cancel.h"
#include "harness/measure/engine/repetition.h"

namespace vidattn {
namespace {

double least_span(const Policy& policy) {
  if (policy.cold) return 0;  // only the first of several in a row would be cold
  return policy.least_span ? *policy.least_span : kLeastSteps * clock_step();
}

double total(const std::vector<RunTimes>& cases) {
  double seconds = 0;
  for (const RunTimes& times : cases) seconds += times.seconds();
  return seconds;
}

}  // namespace

ContenderRunner::ContenderRunner(const std::vector<Contender>& contenders, const Policy& policy)
    : contenders_(contenders),
      states_(contenders.size()),
      evict_(policy.cold),
      least_span_(least_span(policy)) {}

std::optional<std::vector<RunTimes>> ContenderRunner::run(size_t i) {
  throw_if_cancelled();
  if (failed(i)) return {};
  try {
    evict_();
    return run_long_enough(i);
  } catch (const Cancelled&) {
    throw;
  } catch (...) {
    states_[i].failure = std::current_exception();
    return {};
  }
}

std::vector<RunTimes> ContenderRunner::run_long_enough(size_t i) {
  State& state = states_[i];
  for (;;) {
    std::vector<RunTimes> cases = contenders_[i].run(state.repeat);
    if (state.cases == 0) state.cases = cases.size();
    if (cases.empty() || cases.size() != state.cases)
      throw std::runtime_error(contenders_[i].name + " gave the times of " +
                               std::to_string(cases.size()) + " cases, not of " +
                               std::to_string(state.cases));
    const int64_t wanted = next_repeat(state.repeat, total(cases), least_span_);
    if (wanted == state.repeat) return cases;
    state.repeat = wanted;
  }
}

bool ContenderRunner::all_failed() const {
  return std::all_of(states_.begin(), states_.end(),
                     [](const State& state) { return state.failure != nullptr; });
}

}  // namespace vidattn
