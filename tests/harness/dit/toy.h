#pragma once

#include <vector>

#include "harness/dit/training/initial.h"
#include "harness/dit/training/trainer.h"
#include "harness/dit/training/visual_attention.h"
#include "harness/host/programs/torch_library.h"
#include "harness/host/random.h"

namespace vidattn {

/// A network that is trained in milliseconds.
inline DitConfig toy_config(int64_t groups = 0) {
  DitConfig config = dit_config("nano");
  config.channels = 32;
  config.blocks = 2;
  config.frames = 4;
  config.height = config.width = 3;
  config.groups = groups;
  return config;
}

/// Parameters none of which is zero, so that all have a gradient.
inline DitArrays toy_weights(const DitConfig& config) {
  DitArrays weights = initial_weights(config, 3);
  Random random(7);
  for (auto& [name, array] : weights)
    for (float& value : std::get<std::vector<float>>(array.values))
      value += static_cast<float>(0.1 * random.normal());
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
