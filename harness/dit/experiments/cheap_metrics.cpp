#include "harness/dit/experiments/cheap_metrics.h"

#include "metrics/plan/fidelity.h"
#include "metrics/plan/stats.h"
#include "metrics/plan/tile_density.h"

namespace vidattn {
namespace {

constexpr int64_t kComparedTokens = 256;
constexpr TileShape kTile{64, 64};

Inputs inputs_of(const DitNetwork& network, const RolloutTask& task, int64_t block, int64_t step,
                 const Device& device) {
  MethodAttention full({parse_backend("full"), &device}, network.config().blocks, task.steps);
  Inputs in = inputs_at(network, task, step, block, full);
  in.device = &device;
  return in;
}

}  // namespace

const std::vector<CheapMetric>& cheap_metric_names() {
  static const std::vector<CheapMetric> names{{"density", 1},          {"tile density 64", 1},
                                              {"recall", 1},           {"recall p5", 1},
                                              {"relative L2", -1},     {"cosine", 1},
                                              {"recall of tokens", 1}, {"recall of blocks", 1}};
  return names;
}

Probe::Probe(const DitNetwork& network, const RolloutTask& task, int64_t block, int64_t step,
             const Device& device)
    : in_(inputs_of(network, task, block, step, device)), ceiling_(in_) {
  device.run(full_plan(in_), in_, full_);
}

std::vector<double> Probe::metrics(const BackendSpec& method) const {
  Inputs in = in_;
  method.backend->prepare(in, method.params);
  const Plan plan = method.backend->plan(in, method.params);
  Output out;
  in.device->run(plan, in, out);
  const Fidelity fidelity =
      compare_with_full(plan, in, out, full_, sample_tokens(in.length(), kComparedTokens));
  const RecallEfficiency efficiency = recall_efficiency(plan, in, out, ceiling_);
  return {plan_stats(plan, in).density, tile_density(plan, in, kTile).density(),
          fidelity.recall_mean,         fidelity.recall_p5,
          fidelity.relative_l2,         fidelity.cosine,
          efficiency.of_tokens,         efficiency.of_blocks};
}

}  // namespace vidattn
