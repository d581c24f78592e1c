#pragma once

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/backend_spec.h"
#include "harness/tables/options.h"
#include "metrics/model/dit_model.h"

namespace vidattn {

/// A method to be timed on inputs of one length.
struct OperatorCase {
  std::string label;  ///< column of the table
  BackendSpec spec;
  bool whole = false;                       ///< all heads and queries, whatever the options say
  std::optional<StepContext> context = {};  ///< in place of the inputs'
};

/// Time of a method's planning, running and backward pass, as far as they are timed, for all heads
/// of a model, measured on a sample of heads and query blocks and on a quarter of it, whose
/// difference is scaled up by the pairs (whole when scale is 1).
struct OperatorTime {
  std::string label, backend;  ///< backend: canonical text
  std::string failure = {};    ///< why there is no time; empty = measured
  int64_t tokens = 0, heads = 0, measured_heads = 0;
  double density = NAN;
  double wanted_density = NAN;  ///< that a knob was set for; NaN = none
  double flops = NAN;           ///< of all heads, of what is timed
  Pass pass = Pass::forward;    ///< what is timed; the seconds of what is not are 0
  double plan_seconds = NAN, run_seconds = NAN, backward_seconds = 0;
  double scale = 1;                         ///< pairs of the whole over measured pairs
  double check_error = NAN;                 ///< relative L2 against the reference
  double gradient_error = NAN;              ///< of a backward pass (check_gradients())
  double peak_gflops = NAN;                 ///< multiply-adds, best of the run
  bool bounded_by_peak = false;             ///< by peak_gflops: float32 on the host
  std::optional<int64_t> extra_bytes = {};  ///< memory of planning and running the measured heads
  /// Seconds, of the sample itself. Planning that takes over 2 s is timed once.
  std::vector<double> plan_samples = {}, run_samples = {}, backward_samples = {};
  /// Seconds of a quarter of the sample.
  std::vector<double> small_samples = {}, small_backward_samples = {};
  std::vector<double> rounds = {};  ///< seconds of every round, all that is timed, scaled up

  double forward_seconds() const { return plan_seconds + run_seconds; }
  double kernel_seconds() const { return run_seconds + backward_seconds; }
  double seconds() const { return plan_seconds + kernel_seconds(); }
  bool measured() const { return failure.empty() && std::isfinite(kernel_seconds()); }
  double share_of_peak() const { return flops / kernel_seconds() / (peak_gflops * 1e9); }
  /// Ran faster than is possible: its time or the peak is wrong.
  bool mistrusted() const { return measured() && bounded_by_peak && share_of_peak() > 1; }
};

/// How operators are measured.
struct OperatorOptions {
  int64_t heads = 12, measured_heads = 2;
  double sample_flops = 5e11;  ///< of one timed run; infinite = whole
  int64_t least_blocks = 0;    ///< query blocks of all heads in a quarter of the sample, at least
  int repeat = 3;              ///< timed runs
  Pass pass = Pass::forward;
  bool memory = true;  ///< plan and run once before, to measure memory; else the first run is cold
  const Device* device = nullptr;
  /// Called after every timed run with the share of all the work that is done, by FLOPs.
  std::function<void(double share)> tick = {};
};

/// Failure of a case that an interrupt left without a time.
inline constexpr const char* kInterrupted = "interrupted";

/// Times the cases in interleaved rounds; the first timed run of each is checked against the
/// reference, gradients too (a failed check has no time). `inputs` makes the inputs of a number of
/// heads: the measured ones, and all for a whole case. Stops early when interrupted.
std::vector<OperatorTime> measure_operators(const std::vector<OperatorCase>& cases,
                                            const std::function<Inputs(int64_t heads)>& inputs,
                                            const OperatorOptions& options);

/// The time of a call that stands for several kinds of layers, from those of the kinds and their
/// shares of the layers; the failure of the first that has one.
OperatorTime mean_time(const std::vector<OperatorTime>& kinds, const std::vector<double>& shares);

/// Names the mistrusted times with their shares of the peak; empty = none.
std::string mistrusted_note(const std::vector<OperatorTime>& times);

/// Everything about the measurement, for the record.
nlohmann::json to_json(const OperatorTime& time);

}  // namespace vidattn
