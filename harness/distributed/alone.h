#pragma once

#include <map>
#include <string>

#include "attention/device.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/pass.h"

namespace vidattn {

/// A call without ranks, which shared ones are held against.
class Alone {
 public:
  /// `device` must outlive it. Backward passes are of sample_output_gradient().
  Alone(const BackendSpec& spec, const Device& device, Inputs whole, Pass pass);

  /// Seconds of what the pass times: planning and attention, its gradients.
  double run();

  /// Why the last run is not to be believed, by the reference; empty = it is.
  std::string fault() const;
  const Inputs& in() const { return in_; }
  const Plan& plan() const { return plan_; }
  double attention() const { return attention_; }  ///< seconds of the last run's
  const Tensor& o() const { return out_.o; }
  /// Of the last run, by q, k, v and inputs (named_gradients()); empty without a backward pass.
  const std::map<std::string, Array>& gradients() const { return gradients_; }

 private:
  const BackendSpec& spec_;
  const Device& device_;
  Inputs in_;
  Pass pass_;
  Tensor d_o_;
  double attention_ = 0;
  Plan plan_;
  Output out_;
  std::map<std::string, Array> gradients_;
};

}  // namespace vidattn
