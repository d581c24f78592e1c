#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/host/output/outputs.h"
#include "harness/measure/record/measurement.h"
#include "harness/measure/step_state.h"
#include "harness/suites/runner.h"

namespace vidattn {

/// What `run` finds on one workload.
struct MeasuredWorkload {
  WorkloadFacts facts;
  std::vector<Measurement> cases;
  std::vector<double> fma_peaks;  ///< GFLOP/s, measured between the blocks
};

/// Checks every backend of the options against the reference device and measures the passing ones
/// in interleaved blocks. The request is the workload's own; `stage` begins the labels of the
/// progress. Every kKeepSeconds, between two blocks, `keep` gets what is known so far; it may be
/// empty. Where the workload is a step of a run, `state` has what the steps before handed on, and
/// gets what is handed on then; else null. The outputs' memory is given back once everything is
/// timed. Throws InputError for values that a storage type cannot hold.
MeasuredWorkload measure_workload(const RunOptions& options, const WorkloadRequest& request,
                                  const Workload& workload, const std::string& stage,
                                  Outputs& outputs, StepState* state,
                                  const std::function<void(MeasuredWorkload)>& keep);
/// Sets the knobs for the densities asked for on the last of some steps of a run; they then hold
/// for all of its steps. It is planned alone, but for a method that learns over the steps before
/// it. Nothing where none is asked for.
void settle_densities(const RunOptions& options, const std::vector<Workload>& steps,
                      StepState& state);
/// Rare enough to cost no measurement anything.
inline constexpr double kKeepSeconds = 10;

/// Whether the run is kept, with the hashes of its tensors.
bool is_recorded(const RunOptions& options);

}  // namespace vidattn
