#include "attention/methods/warmup.h"

#include <algorithm>
#include <cmath>

#include "attention/methods/fields.h"

namespace vidattn {
namespace {

int64_t dense_count(int64_t count, double share, int64_t of) {
  const auto by_share = static_cast<int64_t>(std::floor(share * static_cast<double>(of)));
  return std::min(of, std::max(count, by_share));
}

double sparse_share(int64_t count, double share, int64_t of) {
  return 1 - static_cast<double>(dense_count(count, share, of)) / static_cast<double>(of);
}

/// The parameters, with a method's own defaults.
struct WarmUpParams : ParamFields {
  template <class Source>
  WarmUpParams(Source& source, const DenseWarmUp& w)
      : ParamFields(source),
        rules{
            integer("dense_steps", w.steps, "First denoising steps that stay dense.", w.source, 0),
            integer("dense_layers", w.layers, "First layers that stay dense.", w.source, 0),
            real("dense_step_share", w.step_share,
                 "The same as a share of all steps, rounded down.", w.source, 0, 1),
            real("dense_layer_share", w.layer_share,
                 "The same as a share of all layers, rounded down.", w.source, 0, 1)} {}
  DenseWarmUp rules;
};

}  // namespace

std::vector<ParamSpec> DenseWarmUp::params() const {
  std::vector<ParamSpec> specs;
  WarmUpParams(specs, *this);
  return specs;
}

DenseWarmUp DenseWarmUp::with(const Params& values) const {
  return WarmUpParams(values, *this).rules;
}

bool DenseWarmUp::dense(const StepContext& context) const {
  const bool in_run = context.step >= 0 && context.layer >= 0;
  return in_run && (context.step < dense_count(steps, step_share, context.steps) ||
                    context.layer < dense_count(layers, layer_share, context.layers));
}

double DenseWarmUp::run_density(double density, int64_t run_steps, int64_t run_layers) const {
  const double sparse =
      sparse_share(steps, step_share, run_steps) * sparse_share(layers, layer_share, run_layers);
  return sparse * density + (1 - sparse);
}

}  // namespace vidattn
