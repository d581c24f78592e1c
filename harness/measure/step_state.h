#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/measure/case.h"

namespace vidattn {

/// What the calls of one layer in a denoising run hand on while they are measured.
struct StepState {
  StepContext context;                    ///< of the call; the caches are those of the cases
  int64_t run_steps = 0;                  ///< calls of the run
  std::map<std::string, StepCache> kept;  ///< by case: what its method kept of the steps before
  std::map<std::string, Case> settled;    ///< by case: its knob, set for the run's density
  std::vector<std::string> arguments;     ///< of the tool, the workload's that is the whole run
};

/// What a case is called in a StepState: the same at every step.
std::string step_key(const Case& c);

/// Makes the case one of the run: it plans with what its method kept, and as it was settled.
void join_run(Case& c, const StepState& state);

/// The knob of a case that was set is that of the whole run.
void settle(const Case& c, StepState& state);

/// Hands on what the checked case's method kept.
void hand_on(Case& c, StepState& state);

}  // namespace vidattn
