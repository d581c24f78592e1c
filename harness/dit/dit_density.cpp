#include "harness/dit/dit_density.h"

#include "harness/workloads/in_dtype.h"
#include "harness/workloads/mask_file.h"
#include "harness/workloads/video/steps_workload.h"

namespace vidattn {

DensitySolution solve_for_rollout(const DitNetwork& network, const RolloutTask& task,
                                  const MethodSettings& method, double density) {
  const int64_t step = task.steps / 2, blocks = network.config().blocks;
  const double sigma = denoising_sigmas({task.steps, task.shift})[static_cast<size_t>(step)];
  const std::vector<float> latents =
      noised(task.clean, standard_noise(static_cast<int64_t>(task.clean.size()), task.seed), sigma);
  MethodAttention full({parse_backend("full"), method.device}, blocks, task.steps);
  full.begin_step(step);
  Inputs in = network.attention_inputs(
      {task.grid, latents.data(), std::vector<double>(task.grid.shots.size(), sigma),
       &task.captions},
      blocks / 2, [&](int64_t block, Inputs& inputs) { return full.attend(block, inputs); });
  in.device = method.device;
  set_dtype(in, method.dtype, "the network's");
  add_file_inputs(*method.spec.backend, method.spec.params, in);
  return solve_density(method.spec, in, density);
}

}  // namespace vidattn
