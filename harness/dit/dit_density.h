#pragma once

#include "harness/dit/method_attention.h"
#include "harness/dit/rollout.h"
#include "harness/measure/density.h"

namespace vidattn {

/// A method set for a density, on what the middle block reads at the middle step when the clip
/// itself is at that noise level and the blocks before attend in full: the same inputs for all
/// methods; of a method that plans blocks differently the mean density of them all. What a rollout
/// then executes differs with its own content, the dense warm-up included. Throws InputError when
/// the method refuses the inputs.
DensitySolution solve_for_rollout(const DitNetwork& network, const RolloutTask& task,
                                  const MethodSettings& method, double density);

}  // namespace vidattn
