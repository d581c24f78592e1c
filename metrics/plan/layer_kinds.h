#pragma once

#include "attention/backend.h"

namespace vidattn {

/// Density of a run's sparse calls, mean over its layers: `density`, that of the plan of one call,
/// where all layers are planned alike; else every kind of layer (Backend::layer_kinds()) is planned
/// on these prepared inputs. Throws what planning throws.
double mean_layer_density(const Backend& backend, const Params& params, const Inputs& in,
                          double density, int64_t layers);

}  // namespace vidattn
