#pragma once

#include <vector>

#include "attention/backend.h"

namespace vidattn {

/// A call that another one stands for, and its share of them.
struct StoodFor {
  StepContext context;
  double share;
};

/// What a call stands for. A call of no layer (context.layer -1) of a run of context.layers layers,
/// whose method plans these differently, stands for one of each kind, with their shares of the
/// run's sparse layers (Backend::layer_kinds()); any other for itself alone.
std::vector<StoodFor> stood_for(const Backend& backend, const Params& params,
                                const StepContext& context);

/// Density of the plan of these prepared inputs: the mean over what the call stands for. Throws
/// what planning throws.
double mean_density(const Backend& backend, const Params& params, const Inputs& in);

/// Density of a run's sparse calls, mean over its layers: `density`, that of the plan of one call,
/// where all layers are planned alike; else every kind of layer is planned on these prepared
/// inputs. Throws what planning throws.
double mean_layer_density(const Backend& backend, const Params& params, const Inputs& in,
                          double density, int64_t layers);

}  // namespace vidattn
