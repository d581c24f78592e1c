#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attention/device.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/measurement.h"
#include "metrics/plan/ceiling.h"
#include "metrics/plan/coverage.h"
#include "metrics/plan/fidelity.h"
#include "metrics/plan/kernel/traffic.h"
#include "metrics/plan/stats.h"
#include "metrics/plan/tile_density.h"
#include "metrics/ranks/balance.h"

namespace vidattn {

/// One backend on one device in one storage type, while it is measured.
struct Case {
  BackendSpec spec;
  const Device* device;
  DType dtype;
  Inputs in;
  /// Filled as measuring goes on, blocks included; passed until something else is known.
  Measurement result = {};
  PlanStats stats = {};
  Coverage coverage = {};
  std::array<TileDensity, kTileShapes.size()> tiles = {};
  PlanTraffic traffic = {};
  std::vector<int64_t> ranks = {};  ///< numbers of ranks to find the balance over, ascending
  std::vector<RankBalance> rank_balance = {};
  std::map<std::string, double> figures = {};
  Fidelity fidelity = {};
  RecallEfficiency efficiency = {NAN, NAN};
  /// Relative L2 of the float plan against full attention, and of low bits against the float plan.
  double selection_error = NAN, quantisation_error = NAN;
  double check_error = NAN, check_limit = NAN;
  /// Gradient of the output for backward passes (set_pass()), shared by the cases of one workload.
  std::shared_ptr<const Tensor> d_o = {};
  double gradient_error = NAN, gradient_limit = NAN;  ///< as the check's, of dq, dk and dv
  double setup_seconds = 0;
  double validation_seconds = 0;  ///< of one plan
  std::optional<int64_t> extra_bytes = {};
  /// Of the timed runs; 0 or empty for what the case's pass leaves out.
  std::vector<double> plan_seconds = {}, run_seconds = {}, backward_seconds = {};
  std::vector<DeviceTimes> device_times = {};  ///< of the timed runs
  /// Full attention that is too long to run whole is run for these tokens only; its times are
  /// scaled up by `scale_up` and marked as extrapolated.
  std::vector<int64_t> sampled = {};
  double scale_up = 1;
  /// In a denoising run: what the method kept of the steps before, and what it keeps of this one.
  std::optional<StepCache> before = {};
  StepCache after = {};
  int64_t state_bytes = 0;  ///< of `after`
  /// Where the call stands for layers that the method plans differently: a case of each kind. All
  /// that is found of this case is then their mean, weighted by their shares (cases/kinds.h).
  std::vector<Case> kinds = {};
  double share = 1;  ///< of the layers

  Pass pass() const { return result.identity.pass; }
  bool is_full() const { return spec.backend->name() == "full"; }
  bool passed() const { return result.passed(); }
  bool skipped() const { return result.outcome == Outcome::skipped; }
};

}  // namespace vidattn
