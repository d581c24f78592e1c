#include "attention/methods/router.h"

#include <fmt/format.h>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/dit/experiments/experiment.h"
#include "harness/dit/experiments/router_iou.h"
#include "harness/dit/rollout.h"
#include "harness/dit/training/initial.h"
#include "harness/host/progress.h"
#include "harness/host/random.h"

namespace vidattn {
namespace {

constexpr double kSigmas[] = {0.98, 0.9, 0.7, 0.5, 0.3, 0.1};
constexpr uint64_t kGroupStream = 0x96037, kFreshRouter = 99;

/// Best IoUs of a router by block and noise level.
using ByBlock = std::vector<std::vector<IouSum>>;

void add(IouSum& sum, const IouSum& more) {
  sum.sum += more.sum;
  sum.masks += more.masks;
}

IouSum over_all(const ByBlock& table) {
  IouSum sum;
  for (const auto& row : table)
    for (const IouSum& cell : row) add(sum, cell);
  return sum;
}

/// The network with routers as a training begins with them.
DitNetwork with_fresh_routers(DitCheckpoint checkpoint) {
  for (auto& [name, array] : initial_weights(checkpoint.config, kFreshRouter))
    if (name.find(".router.") != std::string::npos) checkpoint.weights[name] = array;
  return DitNetwork(std::move(checkpoint));
}

std::vector<int32_t> groups_of(const Inputs& in, int64_t groups) {
  LinearRouter router{in.length(), groups};
  router.scores = in.need("router_logits", "the experiment").as<float>("router_logits").data();
  return route_on_host(router).group->host();
}

/// One pass of a network over a clip at a noise level.
void look(const DitNetwork& network, const TrainingClip& clip, const std::vector<float>& noise,
          size_t level, const Device& device, ByBlock& table) {
  const DitConfig& config = network.config();
  const std::vector<uint8_t> identity = clip.identity();
  const std::vector<float> latents =
      noised(network.standardised(clip.latents()), noise, kSigmas[level]);
  MethodAttention method({method_for(config, trained_with(network.checkpoint())), &device},
                         config.blocks, 1);
  method.begin_step(0);
  const std::vector<int32_t> captions = clip.captions();
  const DitInput input{clip.grid(), latents.data(),
                       std::vector<double>(clip.grid().shots.size(), kSigmas[level]), &captions};
  network.velocity(input, [&](int64_t block, Inputs& in) {
    add(table[block][level],
        best_group_iou(clip.grid(), groups_of(in, config.groups), config.groups, identity));
    return method.attend(block, in);
  });
}

/// What the experiment counts for one network.
struct Seen {
  ByBlock trained, fresh;
  IouSum random, closed_form;
};

void look_at_clip(const DitNetwork& trained, const DitNetwork& fresh, const TrainingClip& clip,
                  uint64_t seed, const Device& device, Seen& seen) {
  const int64_t groups = trained.config().groups;
  const auto values = static_cast<int64_t>(clip.latents().size());
  const std::vector<float> noise = standard_noise(values, seed);
  for (size_t level = 0; level < std::size(kSigmas); ++level) {
    look(trained, clip, noise, level, device, seen.trained);
    look(fresh, clip, noise, level, device, seen.fresh);
  }
  Random random(seed, kGroupStream);
  std::vector<int32_t> drawn(clip.grid().video_tokens());
  for (int32_t& group : drawn) group = static_cast<int32_t>(random.below(groups));
  add(seen.random, best_group_iou(clip.grid(), drawn, groups, clip.identity()));
  add(seen.closed_form, random_group_iou(clip.grid(), groups, clip.identity()));
}

std::string percent(const IouSum& sum) { return fmt::format("{:.1f}", 100 * sum.mean()); }

void report(const std::string& path, const DitConfig& config, const Seen& seen,
            ExperimentResult& result) {
  nlohmann::json record{{"checkpoint", path},
                        {"groups", config.groups},
                        {"random_group", seen.closed_form.mean()},
                        {"best_of_random_groups", seen.random.mean()},
                        {"untrained", over_all(seen.fresh).mean()},
                        {"trained", over_all(seen.trained).mean()}};
  const auto row = [&](const std::string& name, const ByBlock& table, int64_t block) {
    std::vector<std::string> cells{path, name};
    IouSum whole;
    for (size_t level = 0; level < std::size(kSigmas); ++level) {
      IouSum sum;
      for (int64_t b = 0; b < config.blocks; ++b)
        if (block < 0 || b == block) add(sum, table[b][level]);
      cells.push_back(percent(sum));
      add(whole, sum);
      record["levels"][name].push_back(sum.mean());
    }
    cells.push_back(percent(whole));
    result.rows.push_back(cells);
  };
  for (int64_t b = 0; b < config.blocks; ++b)
    row(fmt::format("trained, block {}", b), seen.trained, b);
  row("trained", seen.trained, -1);
  row("untrained router", seen.fresh, -1);
  for (const auto& [name, sum] :
       {std::pair{"random, best group", seen.random}, {"random, a group", seen.closed_form}}) {
    std::vector<std::string> cells(3 + std::size(kSigmas), "-");
    cells[0] = path, cells[1] = name, cells.back() = percent(sum);
    result.rows.push_back(cells);
  }
  result.record["networks"].push_back(record);
}

ExperimentResult router(const ExperimentRequest& request) {
  if (request.checkpoints.empty()) throw InputError("router needs a network: --checkpoint FILE");
  const Device& device = find_device(request.device);
  ExperimentResult result;
  result.headings = {"model", "groups"};
  for (const double sigma : kSigmas) result.headings.push_back(fmt::format("sigma {:g}", sigma));
  result.headings.push_back("mean");
  result.record["sigmas"] = kSigmas;
  Progress progress("routing", request.clips * static_cast<int64_t>(request.checkpoints.size()));
  int64_t done = 0;
  for (const std::string& path : request.checkpoints) {
    const DitNetwork trained(read_checkpoint(path));
    const DitConfig& config = trained.config();
    if (config.groups == 0)
      throw InputError(path + " has no routers: train it with moga or moga_stga");
    const DitNetwork fresh = with_fresh_routers(trained.checkpoint());
    const ByBlock none(config.blocks, std::vector<IouSum>(std::size(kSigmas)));
    Seen seen{none, none, {}, {}};
    try {
      for (int64_t i = 0; i < request.clips; ++i) {
        const TrainingClip clip = experiment_clip(request, config, i);
        look_at_clip(trained, fresh, clip, clip_seed(request, i), device, seen);
        progress.update(++done);
      }
    } catch (const Cancelled&) {
      result.interrupted = true;
    }
    report(path, config, seen, result);
    if (result.interrupted) break;
  }
  result.notes = {
      "Percent: best IoU of a group with a character's true mask in a latent frame, mean over "
      "masks (MoGA A.9, Tables 8 to 10). \"random, a group\" is the closed form "
      "m / ((M - 1) m + 1) of one group, m the mask's share of the frame."};
  return result;
}

const RegisterExperiment registered_router(
    {"router", "do the groups of a trained router follow the characters?", router});

}  // namespace
}  // namespace vidattn
