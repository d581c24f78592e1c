#pragma once

#include <map>
#include <optional>
#include <string>

#include "attention/device.h"
#include "harness/conform/attend.h"
#include "harness/conform/router_balance.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

/// Throws InputError for a gradient without that of the output, that without another, and for a
/// device without a backward pass.
void check_gradient_options(const AttendOptions& options, const Device& device);
/// Throws InputError for a wanted gradient of an input that the method passes none to: it passes
/// them to those that `passed` names; and for a balance loss without a router, or without the
/// gradient of one of its inputs.
void check_wanted_gradients(const AttendOptions& options, const BackendSpec& spec,
                            const std::map<std::string, Array>& passed);

/// The backward pass of one call on the user's files.
class BackwardPass {
 public:
  /// Reads AttendOptions::grad. Throws InputError before any attention when a gradient is wanted
  /// that there cannot be: the device or the plan has no backward pass, or the method passes none
  /// to an input. The arguments must outlive it.
  BackwardPass(const AttendOptions& options, const BackendSpec& spec, const Plan& plan,
               const Inputs& in, const Device& device);

  bool wanted() const { return !options_.grad.empty(); }
  /// The gradients by the names of AttendOptions::gradients and more, from a run that kept its
  /// results; none when none are wanted.
  std::map<std::string, Array> run(const Output& out);
  /// The balance loss of which they are, too, after run(); empty where none was asked for.
  const std::optional<RouterBalance>& balance() const { return balance_; }

 private:
  const AttendOptions& options_;
  const BackendSpec& spec_;
  const Plan& plan_;
  const Inputs& in_;
  const Device& device_;
  Tensor d_o_;
  std::optional<RouterBalance> balance_;
};

}  // namespace vidattn
