#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attention/device.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/block.h"
#include "harness/measure/metric.h"
#include "metrics/plan/fidelity.h"
#include "metrics/plan/stats.h"

namespace vidattn {

/// What happened to one backend on one device in one storage type.
struct CaseResult {
  std::string backend, device;
  DType dtype = DType::f32;
  std::string outcome;            ///< passed | failed | skipped | interrupted
  std::string reason;             ///< of an outcome other than passed
  std::string note;               ///< which knob was set for a density
  std::vector<Metric> cost;       ///< work, time and speed
  std::vector<Metric> fidelity;   ///< nearness to full attention, balance, memory
  std::vector<Metric> transfers;  ///< on devices with memory of their own: where the time went
  nlohmann::json details;         ///< per head and branch figures, planning stages, timing samples
};

/// One backend on one device in one storage type, while it is measured.
struct Case {
  BackendSpec spec;
  const Device* device;
  DType dtype;
  Inputs in;
  CaseResult result;
  PlanStats stats;
  std::map<std::string, double> figures;
  Fidelity fidelity;
  double check_error = NAN;
  int64_t check_rows = 0;
  double setup_seconds = 0;
  std::optional<int64_t> extra_bytes;
  std::vector<double> plan_seconds, run_seconds;
  std::vector<DeviceTimes> device_times;  ///< of the timed runs
  std::vector<Block> blocks;              ///< timed beside full attention (time_blocks)
  /// Full attention that is too long to run whole is run for these tokens only; its times are
  /// scaled up by `scale_up` and marked as extrapolated.
  std::vector<int64_t> sampled;
  double scale_up = 1;

  bool is_full() const { return spec.backend->name() == "full"; }
  bool passed() const { return result.outcome == "passed"; }
  bool skipped() const { return result.outcome == "skipped"; }
};

}  // namespace vidattn
