#include "harness/dit/experiments/router_clip.h"

#include "attention/methods/router.h"
#include "harness/dit/rollout.h"

namespace vidattn {
namespace {

std::vector<int32_t> groups_of(const Inputs& in, int64_t groups) {
  LinearRouter router{in.grid.video_tokens(), groups};
  router.scores = in.need("router_logits", "the experiment").as<float>("router_logits").data();
  return route_on_host(router).group->host();
}

}  // namespace

void add(IouSum& sum, const IouSum& more) {
  sum.sum += more.sum;
  sum.masks += more.masks;
}

void add(RouterIous& sum, const RouterIous& more) {
  if (sum.empty()) {
    sum = more;
    return;
  }
  for (size_t b = 0; b < sum.size(); ++b)
    for (size_t level = 0; level < sum[b].size(); ++level) add(sum[b][level], more[b][level]);
}

IouSum over_all(const RouterIous& table) {
  IouSum sum;
  for (const auto& row : table)
    for (const IouSum& cell : row) add(sum, cell);
  return sum;
}

RouterIous route_clip(const ExperimentRequest& request, const DitNetwork& network, int64_t index) {
  const DitConfig& config = network.config();
  const TrainingClip clip = experiment_clip(request, config, index);
  const VideoGrid& grid = clip.grid();
  const std::vector<uint8_t> identity = clip.identity();
  const std::vector<float> clean = network.standardised(clip.latents());
  const std::vector<float> noise =
      standard_noise(static_cast<int64_t>(clean.size()), clip_seed(request, index));
  const std::vector<int32_t>& captions = clip.captions();
  RouterIous table(config.blocks, std::vector<IouSum>(std::size(kRouterSigmas)));
  for (size_t level = 0; level < std::size(kRouterSigmas); ++level) {
    const std::vector<float> latents = noised(clean, noise, kRouterSigmas[level]);
    MethodAttention method(
        {method_for(config, trained_with(network.checkpoint())), &find_device(request.device)},
        config.blocks, 1);
    method.begin_step(0);
    const DitInput input{grid, latents.data(),
                         std::vector<double>(grid.shots.size(), kRouterSigmas[level]), &captions};
    network.velocity(input, [&](int64_t block, Inputs& in) {
      table[block][level] =
          best_group_iou(grid, groups_of(in, config.groups), config.groups, identity);
      return method.attend(block, in);
    });
  }
  return table;
}

}  // namespace vidattn
