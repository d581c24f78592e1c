#include "harness/dit/dit_density.h"

#include "harness/workloads/in_dtype.h"
#include "harness/workloads/mask_file.h"

namespace vidattn {

DensitySolution solve_for_rollout(const DitNetwork& network, const RolloutTask& task,
                                  const MethodSettings& method, double density) {
  const int64_t blocks = network.config().blocks;
  RolloutTask all_noised = task;
  all_noised.given = 0;
  MethodAttention full({parse_backend("full"), method.device}, blocks, task.steps);
  Inputs in = inputs_at(network, all_noised, task.steps / 2, blocks / 2, full);
  in.context.layers = blocks;  // stands for all of them
  in.device = method.device;
  set_dtype(in, method.dtype, "the network's");
  add_file_inputs(*method.spec.backend, method.spec.params, in);
  return solve_density(method.spec, in, density);
}

}  // namespace vidattn
