#pragma once

#include <vector>

#include "attention/inputs.h"
#include "attention/params.h"

namespace vidattn {

/// How many first steps and layers of a denoising run a method keeps dense: a count, or a share
/// that is rounded down; the larger holds. Published densities leave these calls out.
struct DenseWarmUp {
  int64_t steps = 0, layers = 0;
  double step_share = 0, layer_share = 0;
  const char* source = "-";  ///< of the defaults

  /// Parameters dense_steps, dense_layers, dense_step_share and dense_layer_share with these rules
  /// as defaults.
  std::vector<ParamSpec> params() const;
  /// The rules that values of these parameters say.
  DenseWarmUp with(const Params& values) const;

  /// Whether the rules make this call dense; never outside of a run.
  bool dense(const StepContext& context) const;

  /// Density over a run in which the calls of the warm-up are dense and the others have `density`.
  double run_density(double density, int64_t run_steps, int64_t run_layers) const;
};

}  // namespace vidattn
