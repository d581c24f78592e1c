#include <fmt/format.h>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/dit/experiments/pooled.h"
#include "harness/dit/experiments/router_clip.h"
#include "harness/dit/method_attention.h"
#include "harness/dit/training/initial.h"
#include "harness/host/progress.h"
#include "harness/host/random.h"
#include "harness/io/json_file.h"
#include "harness/workloads/dit/model_file.h"

namespace vidattn {
namespace {

constexpr uint64_t kGroupStream = 0x96037, kFreshRouter = 99;

/// The network with routers as a training begins with them.
DitNetwork with_fresh_routers(DitCheckpoint checkpoint) {
  for (auto& [name, array] : initial_weights(checkpoint.config, kFreshRouter))
    if (name.find(".router.") != std::string::npos) checkpoint.weights[name] = array;
  return DitNetwork(std::move(checkpoint));
}

/// What the experiment counts for one network, over all clips and by clip.
struct SeenRouters {
  RouterIous trained, fresh;
  IouSum random, closed_form;
  std::vector<double> trained_by_clip, fresh_by_clip, random_by_clip;
};

void look_at_clip(const ExperimentRequest& request, const DitNetwork& trained,
                  const DitNetwork& fresh, int64_t index, SeenRouters& seen) {
  const int64_t groups = trained.config().groups;
  const TrainingClip clip = experiment_clip(request, trained.config(), index);
  const RouterIous by_trained = route_clip(request, trained, index),
                   by_fresh = route_clip(request, fresh, index);
  Random random(clip_seed(request, index), kGroupStream);
  std::vector<int32_t> drawn(clip.grid().video_tokens());
  for (int32_t& group : drawn) group = static_cast<int32_t>(random.below(groups));
  const IouSum by_chance = best_group_iou(clip.grid(), drawn, groups, clip.identity());
  add(seen.trained, by_trained);
  add(seen.fresh, by_fresh);
  add(seen.random, by_chance);
  add(seen.closed_form, random_group_iou(clip.grid(), groups, clip.identity()));
  seen.trained_by_clip.push_back(over_all(by_trained).mean());
  seen.fresh_by_clip.push_back(over_all(by_fresh).mean());
  seen.random_by_clip.push_back(by_chance.mean());
}

std::string percent(const IouSum& sum) { return fmt::format("{:.1f}", 100 * sum.mean()); }

/// A row with the mean over blocks (-1) or of one, by noise level.
void add_level_row(const std::string& model, const std::string& name, const RouterIous& table,
                   int64_t block, ExperimentResult& result) {
  std::vector<std::string> cells{model, name};
  IouSum whole;
  nlohmann::json levels;
  for (size_t level = 0; level < std::size(kRouterSigmas); ++level) {
    IouSum sum;
    for (size_t b = 0; b < table.size(); ++b)
      if (block < 0 || static_cast<size_t>(block) == b) add(sum, table[b][level]);
    cells.push_back(percent(sum));
    add(whole, sum);
    levels.push_back(sum.mean());
  }
  cells.push_back(percent(whole));
  result.rows.push_back(cells);
  result.record["networks"].back()["levels"][name] = levels;
}

void add_network(const std::string& path, const DitConfig& config, const SeenRouters& seen,
                 ExperimentResult& result) {
  result.record["networks"].push_back({{"checkpoint", path},
                                       {"groups", config.groups},
                                       {"random_group", seen.closed_form.mean()},
                                       {"best_of_random_groups", seen.random.mean()},
                                       {"untrained", over_all(seen.fresh).mean()},
                                       {"trained", over_all(seen.trained).mean()},
                                       {"trained_by_clip", seen.trained_by_clip},
                                       {"untrained_by_clip", seen.fresh_by_clip}});
  for (int64_t b = 0; b < config.blocks; ++b)
    add_level_row(path, fmt::format("trained, block {}", b), seen.trained, b, result);
  add_level_row(path, "trained", seen.trained, -1, result);
  add_level_row(path, "untrained router", seen.fresh, -1, result);
  for (const auto& [name, sum] :
       {std::pair{"random, best group", seen.random}, {"random, a group", seen.closed_form}}) {
    std::vector<std::string> cells(3 + std::size(kRouterSigmas), "-");
    cells[0] = path, cells[1] = name, cells.back() = percent(sum);
    result.rows.push_back(cells);
  }
}

/// All networks as seeds of one kind, by clip.
void add_pooled(const std::vector<SeenRouters>& all, ExperimentResult& result) {
  SeedsByClips trained, fresh, random;
  for (const SeenRouters& seen : all) {
    trained.push_back(seen.trained_by_clip);
    fresh.push_back(seen.fresh_by_clip);
    random.push_back(seen.random_by_clip);
  }
  const auto differences = pooled_differences(trained, {fresh, random});
  const auto text = [](const MeanInterval& mean) {
    return with_interval({mean.count, 100 * mean.mean, 100 * mean.half_width, mean.p}, 1);
  };
  result.notes.push_back(fmt::format(
      "Seeds: {}; means over clips: trained {}, untrained less trained {} "
      "(p {:.2g}), random groups less trained {} (p {:.2g}; Holm's).",
      all.size(), text(mean_interval(clip_means(trained))), text(differences[0].difference),
      differences[0].adjusted_p, text(differences[1].difference), differences[1].adjusted_p));
  for (const auto& [name, difference] :
       {std::pair{"untrained", differences[0]}, {"random", differences[1]}})
    result.record["pooled_less_trained"][name] = {
        {"mean", number_or_null(difference.difference.mean)},
        {"half_width", number_or_null(difference.difference.half_width)},
        {"adjusted_p", difference.adjusted_p}};
}

/// Throws InputError unless it has routers.
DitNetwork routed_network(const std::string& path) {
  DitNetwork network(load_model(path));
  if (network.config().groups == 0)
    throw InputError(path + " has no routers: train it with moga or moga_stga");
  return network;
}

ExperimentResult router(const ExperimentRequest& request) {
  if (request.checkpoints.empty()) throw InputError("router needs a network: --checkpoint FILE");
  for (const std::string& path : request.checkpoints) routed_network(path);
  ExperimentResult result;
  result.headings = {"model", "groups"};
  for (const double sigma : kRouterSigmas)
    result.headings.push_back(fmt::format("sigma {:g}", sigma));
  result.headings.emplace_back("mean");
  result.record["sigmas"] = kRouterSigmas;
  result.notes = {
      "Percent: best IoU of a group with a character's true mask in a latent frame, mean over "
      "masks (MoGA A.9, Tables 8 to 10). \"random, a group\" is the closed form "
      "m / ((M - 1) m + 1) of one group, m the mask's share of the frame."};
  Progress progress("routing", request.clips * static_cast<int64_t>(request.checkpoints.size()));
  std::vector<SeenRouters> all;
  int64_t done = 0;
  for (const std::string& path : request.checkpoints) {
    const DitNetwork trained = routed_network(path);
    const DitNetwork fresh = with_fresh_routers(trained.checkpoint());
    SeenRouters seen;
    try {
      for (int64_t i = 0; i < request.clips; ++i) {
        look_at_clip(request, trained, fresh, i, seen);
        progress.update(++done);
      }
    } catch (const Cancelled&) {
      result.interrupted = true;
    }
    if (!seen.trained.empty()) {
      add_network(path, trained.config(), seen, result);
      all.push_back(std::move(seen));
    }
    if (result.interrupted) break;
  }
  if (!all.empty()) add_pooled(all, result);
  return result;
}

const RegisterExperiment registered_router(
    {"router", "do the groups of a trained router follow the characters?", router});

}  // namespace
}  // namespace vidattn
