#include "harness/dit/experiments/trained/variants.h"

#include <cmath>

#include "attention/cancel.h"
#include "harness/dit/experiments/router_clip.h"
#include "harness/workloads/dit/model_file.h"

namespace vidattn {
namespace {

/// Best-group IoU of trained routers, [variant][seed], mean over clips; NaN without routers.
std::vector<std::vector<double>> router_ious(const ExperimentRequest& request,
                                             const std::vector<TrainedFolders>& trained) {
  std::vector<std::vector<double>> table;
  for (const TrainedFolders& folders : trained) {
    table.emplace_back();
    for (const std::string& model : averaged_models(folders)) {
      const DitNetwork network(load_model(model));
      if (network.config().groups == 0) {
        table.back().push_back(std::nan(""));
        continue;
      }
      IouSum sum;
      for (int64_t clip = 0; clip < request.clips; ++clip)
        add(sum, over_all(route_clip(request, network, clip)));
      table.back().push_back(sum.mean());
    }
  }
  return table;
}

}  // namespace

std::vector<std::vector<double>> at_the_end(const std::vector<TrainedFolders>& trained,
                                            const std::string& key) {
  std::vector<std::vector<double>> table;
  for (const TrainedFolders& folders : trained) {
    table.emplace_back();
    for (const std::string& folder : folders) {
      const auto curves = training_curves(folder);
      const auto found = curves.find(key);
      table.back().push_back(found == curves.end() ? std::nan("") : last_tenth(found->second));
    }
  }
  return table;
}

ExperimentResult compare_variants(const ExperimentRequest& request,
                                  const std::vector<TrainedVariant>& variants,
                                  const std::vector<ContestColumn>& columns) {
  require_trainable(request, variants);
  ExperimentResult result;
  std::vector<TrainedFolders> trained;
  std::vector<Contestant> contestants;
  try {
    const std::vector<std::string> bases = base_models(request);
    for (const TrainedVariant& variant : variants) {
      trained.push_back(train_variant(request, variant, bases));
      contestants.push_back({variant.label, averaged_models(trained.back()), ""});
    }
  } catch (const Cancelled&) {
    result.interrupted = true;
    return result;
  }
  add_contest(hold_contest(request, contestants, result.interrupted), columns, result);
  add_seed_column("flow loss", 4, at_the_end(trained, "loss"), result);
  add_seed_column("M sum F P", 3, at_the_end(trained, "balance_switch"), result);
  add_seed_column("largest/mean", 2, at_the_end(trained, "largest_over_mean"), result);
  if (!result.interrupted) {
    try {
      add_seed_column("IoU", 3, router_ious(request, trained), result);
    } catch (const Cancelled&) {
      result.interrupted = true;
    }
  }
  return result;
}

}  // namespace vidattn
