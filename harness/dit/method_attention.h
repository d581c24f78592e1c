#pragma once

#include <cstdint>
#include <string>

#include "attention/device.h"
#include "harness/measure/backend_spec.h"
#include "harness/workloads/dit/network.h"
#include "metrics/plan/check/equality.h"

namespace vidattn {

/// The backend that a text names, for a network: with as many groups as its routers have, unless
/// the text says how many. Throws InputError as parse_backend().
BackendSpec method_for(const DitConfig& config, const std::string& backend);

/// The backend that a network was trained with, as its checkpoint says; "full" where it does not.
/// Throws InputError for one that would read a file that only the checkpoint names.
std::string trained_with(const DitCheckpoint& checkpoint);

/// How a method attends, and in which storage type of q, k and v.
struct MethodSettings {
  BackendSpec spec;
  const Device* device;
  DType dtype = DType::f32;
};

/// What the visual attention of a denoising run cost.
struct AttentionCosts {
  int64_t calls = 0;
  double density = 0;        ///< executed, mean over the calls, dense ones included
  double setup_seconds = 0;  ///< Backend::prepare(), which a trained model would have done before
  double plan_seconds = 0, run_seconds = 0;
  double aside_seconds = 0;  ///< checking and counting, which no model does
};

/// Visual attention of a network's blocks by a method, call after call of a denoising run: its
/// warm-up, and what it keeps from step to step, as in a real model.
class MethodAttention {
 public:
  MethodAttention(MethodSettings settings, int64_t blocks, int64_t steps);
  virtual ~MethodAttention() = default;

  void begin_step(int64_t step) { step_ = step; }
  /// The output [L,H,D] float32. The first call that is not dense is held against the reference
  /// device. Throws InputError for inputs that the method refuses, and as Device::run().
  virtual Tensor attend(int64_t block, Inputs& in);

  const AttentionCosts& costs() const { return costs_; }
  /// Of the call that was checked; no rows = none was yet.
  const EqualityCheck& check() const { return check_; }
  bool failed() const { return check_.rows > 0 && !check_.passed(); }

 protected:
  const MethodSettings& settings() const { return settings_; }
  /// The inputs as the method takes them, at this place of the run.
  void prepare(int64_t block, Inputs& in);
  /// The executed density of one call more.
  void add_density(double density);

  AttentionCosts costs_;
  EqualityCheck check_;

 private:
  MethodSettings settings_;
  int64_t blocks_, steps_, step_ = -1;
  StepCache cache_;
};

}  // namespace vidattn
