#pragma once

#include <string>
#include <vector>

#include "harness/measure/record/measurement.h"

namespace vidattn {

/// Some steps of a denoising run.
struct StepPart {
  std::string name;  ///< "first", "steady" or "run"
  std::vector<int64_t> steps;
  /// Means over the steps that passed. `ratio` is the sum of the method's times over the sum of
  /// full attention's, block by block, and speedup, realised and planning's share follow from sums.
  Measurement mean;
};

/// A backend over the steps of one layer, its state kept from each to the next.
struct OverSteps {
  CaseIdentity identity;  ///< of its first step
  int64_t layer = -1;     ///< -1 = not known
  std::string place;  ///< the calls without their step, where layers and entries tell too little
  int64_t steps = 0, passed = 0;
  /// first: the first step that the method's warm-up does not leave dense; steady: the later half
  /// of the run without it and what the warm-up leaves dense; run: all steps. Parts without a step
  /// are left out: of a run within the warm-up there is the last alone.
  std::vector<StepPart> parts;
  std::vector<size_t> members;  ///< places of its cases
};

/// Whether cases are of a run over which state was kept.
bool of_step_run(const std::vector<Measurement>& cases);

/// The cases of each backend and layer together, in their order.
std::vector<OverSteps> over_steps(const std::vector<Measurement>& cases);

}  // namespace vidattn
