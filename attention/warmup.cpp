#include "attention/warmup.h"

#include <algorithm>
#include <cmath>

namespace vidattn {
namespace {

int64_t dense_count(const Params& params, const char* count, const char* share, int64_t of) {
  const auto by_share =
      static_cast<int64_t>(std::floor(params.real(share) * static_cast<double>(of)));
  return std::min(of, std::max(params.integer(count), by_share));
}

}  // namespace

std::vector<ParamSpec> warmup_params(const WarmUp& defaults, const std::string& source) {
  return {{"dense_steps", defaults.steps, "First denoising steps that stay dense.", source, 0},
          {"dense_layers", defaults.layers, "First layers that stay dense.", source, 0},
          {"dense_step_share", defaults.step_share,
           "The same as a share of all steps, rounded down.", source, 0, 1},
          {"dense_layer_share", defaults.layer_share,
           "The same as a share of all layers, rounded down.", source, 0, 1}};
}

bool dense_by_warmup(const StepContext& context, const Params& params) {
  const bool in_run = context.step >= 0 && context.layer >= 0;
  return in_run &&
         (context.step < dense_count(params, "dense_steps", "dense_step_share", context.steps) ||
          context.layer < dense_count(params, "dense_layers", "dense_layer_share", context.layers));
}

double density_with_warmup(const Params& params, double density, int64_t steps, int64_t layers) {
  const auto sparse = [&](const char* count, const char* share, int64_t of) {
    return 1 - static_cast<double>(dense_count(params, count, share, of)) / static_cast<double>(of);
  };
  const double sparse_share = sparse("dense_steps", "dense_step_share", steps) *
                              sparse("dense_layers", "dense_layer_share", layers);
  return sparse_share * density + (1 - sparse_share);
}

Plan full_plan(const Inputs& in, int64_t padding) {
  const Backend& full = find_backend("full");
  Plan plan = full.plan(in, full.defaults());
  if (padding == 0) return plan;
  const auto length = static_cast<int32_t>(in.length());
  const auto real = static_cast<int32_t>(length - padding);
  HeadTable table;
  table.add(0, real, {{0, real}});
  table.add(real, length, {{real, length}});
  plan.branches[0].tables = {table};
  return plan;
}

}  // namespace vidattn
