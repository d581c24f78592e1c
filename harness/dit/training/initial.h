#pragma once

#include "harness/workloads/dit/checkpoint.h"

namespace vidattn {

/// Parameters as a training begins with them: linear layers uniform in +-1 / sqrt(inputs)
/// (libtorch's rule), word vectors normal with deviation 0.5, norms 1, biases and what adaLN-Zero
/// says zero.
DitArrays initial_weights(const DitConfig& config, uint64_t seed);

}  // namespace vidattn
