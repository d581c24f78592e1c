#pragma once

#include <cmath>
#include <cstdint>

#include "harness/host/random.h"
#include "harness/workloads/dit/checkpoint.h"
#include "harness/workloads/dit/latents.h"

namespace vidattn::testing {

/// A configuration that a test runs in no time.
inline DitConfig tiny_config(int64_t blocks = 1, int64_t groups = 0,
                             DitText text = DitText::cross) {
  return {"tiny", 32, 2, blocks, 4, 2, 3, groups, text};
}

/// Random parameters: no layer is neutral, as those that begin at zero would be.
inline DitCheckpoint random_checkpoint(const DitConfig& config, uint64_t seed = 1) {
  DitCheckpoint made{.config = config};
  uint64_t stream = 0;
  const auto fill = [&](const std::string& name, std::vector<int64_t> shape, double mean,
                        double deviation) {
    Random random(seed, stream++);
    Array array{std::move(shape), std::vector<float>{}};
    std::vector<float> values(static_cast<size_t>(array.size()));
    for (float& value : values) value = static_cast<float>(mean + deviation * random.normal());
    array.values = std::move(values);
    made.weights[name] = std::move(array);
  };
  for (const DitParameter& parameter : dit_parameters(config)) {
    const bool scales =
        parameter.name.find("norm") != std::string::npos && !parameter.name.ends_with("bias");
    const bool matrix = parameter.shape.size() == 2 && parameter.name.ends_with("weight");
    const double deviation = matrix ? 1 / std::sqrt(static_cast<double>(parameter.shape[1])) : 0.3;
    fill(parameter.name, parameter.shape, scales ? 1 : 0, deviation);
  }
  fill("latent.mean", {kPatchChannels}, 0, 0.2);
  fill("latent.deviation", {kPatchChannels}, 1, 0.05);
  return made;
}

}  // namespace vidattn::testing
