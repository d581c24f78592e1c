#pragma once

#include <vector>

#include "harness/dit/training/trainer.h"
#include "harness/dit/training/visual_attention.h"
#include "harness/host/programs/torch_library.h"
#include "tests/harness/workloads/dit/random_checkpoint.h"

namespace vidattn {

/// A network that is trained in milliseconds.
inline DitConfig toy_config(int64_t groups = 0, DitText text = DitText::cross) {
  return testing::tiny_config(2, groups, text);
}

/// Parameters none of which is zero, so that all have a gradient.
inline DitArrays toy_weights(const DitConfig& config) {
  DitArrays weights = testing::random_checkpoint(config, 3).weights;
  std::erase_if(weights, [](const auto& entry) { return entry.first.starts_with("latent."); });
  return weights;
}

/// How a tiny network attends: alpha is 0 unless said.
inline VisualAttentionSettings toy_attention(const std::string& backend, double alpha = 0) {
  return {parse_backend(backend),
          &find_device("cpu"),
          DType::f32,
          alpha,
          BalanceForm::switch_transformer,
          1};
}

}  // namespace vidattn
