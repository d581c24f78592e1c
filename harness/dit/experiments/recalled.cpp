#include "harness/dit/experiments/recalled.h"

#include <cmath>

#include "harness/workloads/dit/latents.h"

namespace vidattn {
namespace {

constexpr int64_t kGivenShots = 1, kJudgedShot = 2;
constexpr int kJudgedCharacter = 0;

}  // namespace

double relative_distance(const RecalledPainting& painting, const RecalledPainting& reference) {
  double apart = 0, size = 0;
  for (size_t i = 0; i < reference.latents.size(); ++i) {
    apart += std::pow(painting.latents[i] - reference.latents[i], 2);
    size += std::pow(reference.latents[i], 2);
  }
  return std::sqrt(apart / size);
}

RecalledClip::RecalledClip(const ExperimentRequest& request, const DitNetwork& network,
                           const TrainingClip& clip, int64_t index)
    : clip_(clip),
      task_{.grid = clip.grid(),
            .captions = clip.captions(),
            .given = kGivenShots,
            .clean = network.standardised(clip.latents()),
            .steps = request.steps,
            .shift = request.shift,
            .seed = clip_seed(request, index)},
      opposite_(network.standardised(
          clip.recoloured(kJudgedCharacter, opposite_colour(colour())).latents())) {}

int RecalledClip::colour() const { return clip_.colour_of(kJudgedCharacter); }

RecalledPainting RecalledClip::paint(const DitNetwork& network,
                                     const MethodSettings& method) const {
  RecalledPainting painting;
  const auto rolled_out = [&](const RolloutTask& task) {
    MethodAttention attention(method, network.config().blocks, task.steps);
    Rollout rollout = roll_out(network, task, attention);
    if (!rollout.failure.empty())
      throw AttentionFailed(method.spec.text() + ": " + rollout.failure);
    painting.density = attention.costs().density;
    return rollout;
  };
  RolloutTask opposite = task_;
  opposite.clean = opposite_;
  const std::vector<cv::Mat> other = decode_latents(rolled_out(opposite).latents, task_.grid);
  Rollout own = rolled_out(task_);
  painting.latents = std::move(own.latents);
  painting.seconds = own.seconds;
  painting.frames = decode_latents(painting.latents, task_.grid);
  painting.recall = recalled_colour(clip_, kJudgedCharacter, kJudgedShot, painting.frames, other);
  return painting;
}

}  // namespace vidattn
