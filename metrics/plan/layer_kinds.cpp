#include "metrics/plan/layer_kinds.h"

#include "metrics/plan/stats.h"

namespace vidattn {

double mean_layer_density(const Backend& backend, const Params& params, const Inputs& in,
                          double density, int64_t layers) {
  const auto kinds = backend.layer_kinds(params, layers);
  if (kinds.empty()) return density;
  double mean = 0;
  Inputs call = in;
  for (const auto& [layer, share] : kinds) {
    call.context = {.layer = layer, .layers = layers};
    mean += share * plan_stats(backend.plan(call, params), call).density;
  }
  return mean;
}

}  // namespace vidattn
