#include "harness/dit/experiments/recalled.h"

#include "attention/error.h"
#include "harness/workloads/dit/recall.h"

namespace vidattn {
namespace {

constexpr int64_t kGivenShots = 1, kJudgedShot = 2;
constexpr int kJudgedCharacter = 0;

}  // namespace

RecalledClip::RecalledClip(const ExperimentRequest& request, const DitNetwork& network,
                           const TrainingClip& clip, int64_t index)
    : clip_(clip),
      task_{.grid = clip.grid(),
            .captions = clip.captions(),
            .given = kGivenShots,
            .clean = network.standardised(clip.latents()),
            .steps = request.steps,
            .shift = request.shift,
            .seed = clip_seed(request, index)} {}

int RecalledClip::colour() const { return clip_.colour_of(kJudgedCharacter); }

int RecalledClip::painted(const std::vector<cv::Mat>& frames) const {
  return painted_colour(clip_, kJudgedCharacter, kJudgedShot, frames);
}

Rollout RecalledClip::paint(const DitNetwork& network, const std::string& backend,
                            MethodAttention& attention) const {
  Rollout rollout = roll_out(network, task_, attention);
  if (!rollout.failure.empty()) throw InputError(backend + ": " + rollout.failure);
  return rollout;
}

}  // namespace vidattn
