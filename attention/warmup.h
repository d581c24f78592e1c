#pragma once

#include <vector>

#include "attention/backend.h"

namespace vidattn {

/// How many first steps and layers of a denoising run a method keeps dense: a count, or a share
/// that is rounded down; the larger holds. Published densities leave these calls out.
struct WarmUp {
  int64_t steps = 0, layers = 0;
  double step_share = 0, layer_share = 0;
};

/// Parameters dense_steps, dense_layers, dense_step_share and dense_layer_share with these
/// defaults.
std::vector<ParamSpec> warmup_params(const WarmUp& defaults, const std::string& source);

/// Whether the rules make this call dense; never outside of a run.
bool dense_by_warmup(const StepContext& context, const Params& params);

/// Density over a run in which the calls of the warm-up are dense and the others have `density`.
double density_with_warmup(const Params& params, double density, int64_t steps, int64_t layers);

/// A method whose parameters hold warmup_params().
class WarmUpBackend : public Backend {
 public:
  double run_density(const Params& params, double density, int64_t steps,
                     int64_t layers) const override {
    return density_with_warmup(params, density, steps, layers);
  }
};

/// The plan of full attention, for a dense call. The last `padding` tokens see only each other and
/// are seen by no others (HunyuanVideo's padded text).
Plan full_plan(const Inputs& in, int64_t padding = 0);

}  // namespace vidattn
