#pragma once

#include <cmath>
#include <filesystem>
#include <string>

#include "harness/io/safetensors.h"
#include "metrics/shots/transnet/parameters.h"

namespace vidattn::testing {

/// A TransNetV2 of one block of two channels a branch, by hand: a shot ends where the brightness
/// changes by more than half of the range. Of a change d its probability is 1 / (1 + exp(5 - 10d)).
inline TransNetParameters change_parameters() {
  TransNetParameters all;
  const auto put = [&](const std::string& name, std::vector<int64_t> shape, float value) {
    int64_t size = 1;
    for (const int64_t n : shape) size *= n;
    all[name] = {std::move(shape), std::vector<float>(static_cast<size_t>(size), value)};
  };
  const auto at = [&](const std::string& name, size_t i) -> float& {
    return std::get<std::vector<float>>(all[name].values)[i];
  };
  const std::string block = "SDDCNN.0.DDCNN.0.";
  for (const int dilation : {1, 2, 4, 8}) {
    const std::string layers = block + "Conv3D_" + std::to_string(dilation) + ".layers.";
    put(layers + "0.weight", {4, 3, 1, 3, 3}, 0);
    put(layers + "1.weight", {2, 4, 3, 1, 1}, 0);
  }
  // Channel 0 of the first is a pixel's brightness; the second makes next - own, and own - next.
  const std::string first = block + "Conv3D_1.layers.";
  for (const size_t colour : {0, 1, 2}) at(first + "0.weight", colour * 9 + 4) = 1.0F / 3;
  at(first + "1.weight", 1) = -1, at(first + "1.weight", 2) = 1;
  at(first + "1.weight", 12 + 1) = 1, at(first + "1.weight", 12 + 2) = -1;
  put(block + "bn.weight", {8}, std::sqrt(1.001F));
  put(block + "bn.running_var", {8}, 1);
  for (const char* name : {"bias", "running_mean"}) put(block + "bn." + name, {8}, 0);
  put("frame_sim_layer.projection.weight", {1, 8}, 0);
  put("frame_sim_layer.projection.bias", {1}, 0);
  for (const std::string layer : {"frame_sim_layer", "color_hist_layer"}) {
    put(layer + ".fc.weight", {1, 101}, 0);
    put(layer + ".fc.bias", {1}, 0);
  }
  // Of both signs of a change, max(±d, 0) ± d adds up to |d|.
  constexpr int64_t kPixels = 13 * 24;
  put("fc1.weight", {1, 2 + 8 * kPixels}, 0);
  for (size_t pixel = 0; pixel < kPixels; ++pixel)
    for (const size_t channel : {0, 1}) at("fc1.weight", 2 + 8 * pixel + channel) = 1.0F / kPixels;
  put("fc1.bias", {1}, 0);
  put("cls_layer1.weight", {1, 1}, 10);
  put("cls_layer1.bias", {1}, -5);
  return all;
}

/// Writes a network as safetensors, and returns its path.
inline std::string write_transnet(const std::filesystem::path& path,
                                  const TransNetParameters& parameters = change_parameters()) {
  std::map<std::string, std::variant<const Tensor*, const Array*>> arrays;
  for (const auto& [name, array] : parameters) arrays.emplace(name, &array);
  write_safetensors(path, arrays);
  return path.string();
}

}  // namespace vidattn::testing
