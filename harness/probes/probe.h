#pragma once

#include <cmath>
#include <functional>
#include <optional>
#include <string>

#include "attention/device.h"
#include "harness/measure/backend_spec.h"
#include "metrics/plan/check/equality.h"

namespace vidattn {

/// One backend's attention on a probe's inputs.
struct ProbeRun {
  std::string backend;          ///< with the knob's value
  std::string outcome;          ///< passed | failed | skipped | interrupted
  std::string reason;           ///< of an outcome other than passed
  std::string note;             ///< which density was missed
  double density = 0;           ///< executed
  double wanted_density = NAN;  ///< that was asked for; NaN = none
  EqualityCheck check;

  bool passed() const { return outcome == "passed"; }
};

struct ProbeOptions {
  std::optional<double> density;  ///< solve the backend's knob for it
  std::string device = "cpu";
  int64_t steps = 1;  ///< runs in a row; between them `next` makes the inputs
  std::function<Inputs(const Inputs&, const Tensor&)> next = {};
};

/// Runs `work`, which says how the run came out. What it throws says it in its place: skipped with
/// the reason for inputs that a method refuses, failed for other trouble; an interrupt changes
/// nothing.
void run_guarded(ProbeRun& run, const std::function<void()>& work);

/// Plans and runs a backend as a drop-in for full attention. The first step's output is checked
/// against the reference device; one that fails is not handed out. A method that refuses the inputs
/// is skipped with its reason. `output` is the last step's, empty unless it passed. Throws
/// InputError for an unknown backend or device.
ProbeRun run_probe(const std::string& backend, const Inputs& inputs, const ProbeOptions& options,
                   Output& output);

}  // namespace vidattn
