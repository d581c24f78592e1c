#include "harness/dit/rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/clock.h"
#include "harness/host/random.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/video/steps_workload.h"

namespace vidattn {
namespace {

constexpr uint64_t kRolloutStream = 0x726f6c6c;

/// Values of the shots that are given, the first ones.
int64_t given_values(const RolloutTask& task) {
  const VideoGrid& grid = task.grid;
  const auto given = static_cast<size_t>(task.given);
  const int64_t frames = given < grid.shots.size() ? grid.shots[given] : grid.frames;
  return frames * grid.frame_size() * kPatchChannels;
}

std::vector<double> shot_sigmas(const RolloutTask& task, double sigma) {
  std::vector<double> sigmas(task.grid.shots.size(), sigma);
  std::fill_n(sigmas.begin(), task.given, 0.0);
  return sigmas;
}

}  // namespace

void check_task(const RolloutTask& task) {
  task.grid.validate();
  const auto shots = static_cast<int64_t>(task.grid.shots.size());
  if (task.given < 0 || task.given >= shots)
    throw InputError(fmt::format("{} of {} shots cannot be given: one at least is to be painted",
                                 task.given, shots));
  parse_steps_spec(fmt::format("steps:{},shift={}", task.steps, task.shift));
}

std::vector<float> standard_noise(int64_t count, uint64_t seed) {
  Random random(seed, kRolloutStream);
  std::vector<float> noise(static_cast<size_t>(count));
  for (float& value : noise) value = static_cast<float>(random.normal());
  return noise;
}

std::vector<float> noised(const std::vector<float>& clean, const std::vector<float>& noise,
                          double sigma) {
  std::vector<float> mixed(clean.size());
  for (size_t i = 0; i < clean.size(); ++i)
    mixed[i] = static_cast<float>((1 - sigma) * clean[i] + sigma * noise[i]);
  return mixed;
}

Inputs inputs_at(const DitNetwork& network, const RolloutTask& task, int64_t step, int64_t block,
                 MethodAttention& before) {
  const double sigma = denoising_sigmas({task.steps, task.shift})[static_cast<size_t>(step)];
  std::vector<float> x =
      noised(task.clean, standard_noise(static_cast<int64_t>(task.clean.size()), task.seed), sigma);
  std::copy_n(task.clean.begin(), given_values(task), x.begin());
  before.begin_step(step);
  return network.attention_inputs({task.grid, x.data(), shot_sigmas(task, sigma), &task.captions},
                                  block,
                                  [&](int64_t b, Inputs& in) { return before.attend(b, in); });
}

Rollout roll_out(const DitNetwork& network, const RolloutTask& task, MethodAttention& attention,
                 const std::function<void(int64_t)>& progress) {
  const Clock::time_point start = Clock::now();
  std::vector<double> sigmas = denoising_sigmas({task.steps, task.shift});
  sigmas.push_back(0);
  std::vector<float> x = standard_noise(task.grid.video_tokens() * kPatchChannels, task.seed);
  const auto first = static_cast<size_t>(given_values(task));
  std::copy_n(task.clean.begin(), first, x.begin());
  int64_t done = 0;
  const auto attend = [&](int64_t block, Inputs& in) {
    throw_if_cancelled();
    Tensor out = attention.attend(block, in);
    if (progress) progress(++done);
    return out;
  };
  Rollout painted;
  for (int64_t step = 0; step < task.steps && !attention.failed(); ++step) {
    attention.begin_step(step);
    const std::vector<float> velocity = network.velocity(
        {task.grid, x.data(), shot_sigmas(task, sigmas[step]), &task.captions}, attend);
    const double change = sigmas[step + 1] - sigmas[step];
    for (size_t i = first; i < x.size(); ++i) x[i] += static_cast<float>(change * velocity[i]);
  }
  painted.failure = attention.failed() ? attention.check().reason : "";
  painted.seconds = seconds_since(start) - attention.costs().aside_seconds;
  painted.latents = network.restored(std::move(x));
  return painted;
}

}  // namespace vidattn
