#include "metrics/plan/layer_kinds.h"

#include "metrics/plan/stats.h"

namespace vidattn {

std::vector<StoodFor> stood_for(const Backend& backend, const Params& params,
                                const StepContext& context) {
  if (context.layer >= 0) return {{context, 1}};
  const auto kinds = backend.layer_kinds(params, context.layers);
  if (kinds.size() < 2) return {{context, 1}};
  std::vector<StoodFor> calls;
  for (const auto& [layer, share] : kinds) {
    calls.push_back({context, share});
    calls.back().context.layer = layer;
  }
  return calls;
}

double mean_density(const Backend& backend, const Params& params, const Inputs& in) {
  double mean = 0;
  Inputs call = in;
  for (const auto& [context, share] : stood_for(backend, params, in.context)) {
    call.context = context;
    mean += share * plan_stats(backend.plan(call, params), call).density;
  }
  return mean;
}

double mean_layer_density(const Backend& backend, const Params& params, const Inputs& in,
                          double density, int64_t layers) {
  Inputs call = in;
  call.context = {.layers = layers};
  const auto kinds = backend.layer_kinds(params, layers);
  if (kinds.empty()) return density;
  if (kinds.size() > 1) return mean_density(backend, params, call);
  call.context.layer = kinds[0].layer;
  return plan_stats(backend.plan(call, params), call).density;
}

}  // namespace vidattn
