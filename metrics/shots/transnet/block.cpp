#include "metrics/shots/transnet/block.h"

#include <cmath>

namespace vidattn {
namespace {

constexpr int64_t kColours = 3;

/// Of the convolution of 1x3x3 (layer 0) or of 3x1x1 (layer 1) of a branch.
std::string weights_name(const std::string& prefix, int64_t branch, int layer) {
  return prefix + "Conv3D_" + std::to_string(int64_t{1} << branch) + ".layers." +
         std::to_string(layer) + ".weight";
}

/// Scale and bias of every channel.
struct Normalization {
  std::vector<float> scale, bias;
};

Normalization read_normalization(const CheckedParameters& parameters, const std::string& prefix,
                                 int64_t channels) {
  constexpr double kEpsilon = 1e-3;
  const auto get = [&](const char* name) -> const std::vector<float>& {
    return parameters.of_shape(prefix + "bn." + name, {channels});
  };
  const auto &weight = get("weight"), &bias = get("bias"), &mean = get("running_mean"),
             &variance = get("running_var");
  Normalization of;
  for (size_t i = 0; i < weight.size(); ++i) {
    const double scale = weight[i] / std::sqrt(std::max(0.0F, variance[i]) + kEpsilon);
    of.scale.push_back(static_cast<float>(scale));
    of.bias.push_back(static_cast<float>(bias[i] - mean[i] * scale));
  }
  return of;
}

/// [filters, between, 3] scaled to [3, filters, between], and where `spatial` [between, 27] is not
/// none times it.
std::vector<float> by_tap(const std::vector<float>& weights, const float* scale, int64_t filters,
                          int64_t between, const float* spatial) {
  std::vector<float> taps;
  for (int64_t tap = 0; tap < 3; ++tap)
    for (int64_t filter = 0; filter < filters; ++filter) {
      const auto weight = [&](int64_t i) {
        return scale[filter] * weights[static_cast<size_t>((filter * between + i) * 3 + tap)];
      };
      for (int64_t i = 0; spatial == nullptr && i < between; ++i) taps.push_back(weight(i));
      for (int64_t value = 0; spatial != nullptr && value < kNeighbourhood; ++value) {
        double sum = 0;
        for (int64_t i = 0; i < between; ++i)
          sum += static_cast<double>(weight(i)) * spatial[i * kNeighbourhood + value];
        taps.push_back(static_cast<float>(sum));
      }
    }
  return taps;
}

}  // namespace

bool has_block(const CheckedParameters& parameters, const std::string& prefix) {
  return parameters.has(weights_name(prefix, 0, 1));
}

int64_t block_filters(const CheckedParameters& parameters, const std::string& prefix) {
  return parameters.outputs(weights_name(prefix, 0, 1));
}

TransNetBlock read_block(const CheckedParameters& parameters, const std::string& prefix,
                         int64_t in) {
  constexpr int64_t kBranches = DilatedConvolution::kBranches;
  const int64_t filters = block_filters(parameters, prefix), between = 2 * filters;
  const bool joined = in == kColours;
  TransNetBlock block;
  block.dilated = {joined ? kNeighbourhood : between, filters, joined ? 0 : between};
  Normalization normalization = read_normalization(parameters, prefix, kBranches * filters);
  std::vector<float> spatial;
  for (int64_t branch = 0; branch < kBranches; ++branch) {
    const auto& first =
        parameters.of_shape(weights_name(prefix, branch, 0), {between, in, 1, 3, 3});
    const auto& second =
        parameters.of_shape(weights_name(prefix, branch, 1), {filters, between, 3, 1, 1});
    spatial.insert(spatial.end(), first.begin(), first.end());
    const auto taps = by_tap(second, normalization.scale.data() + branch * filters, filters,
                             between, joined ? first.data() : nullptr);
    block.dilated.weights.insert(block.dilated.weights.end(), taps.begin(), taps.end());
  }
  block.dilated.bias = std::move(normalization.bias);
  if (!joined) block.spatial.emplace(spatial.data(), kBranches * between, in);
  return block;
}

}  // namespace vidattn
