#include "harness/dit/training/initial.h"

#include <cmath>
#include <functional>
#include <numeric>

#include "harness/host/random.h"

namespace vidattn {
namespace {

constexpr double kWordDeviation = 0.5;

bool begins_at_zero(const std::string& name) {
  return name.ends_with("bias") || name.ends_with("modulation") ||
         name.starts_with("time.project") || name == "head.weight";
}

bool is_norm(const std::string& name) {
  return name.ends_with("_norm") || name.ends_with("_norm.weight");
}

std::vector<float> draw(const DitParameter& parameter, Random random) {
  const int64_t size = std::accumulate(parameter.shape.begin(), parameter.shape.end(), int64_t{1},
                                       std::multiplies<>());
  std::vector<float> values(size);
  if (begins_at_zero(parameter.name)) return values;
  if (is_norm(parameter.name)) return std::vector<float>(size, 1);
  const bool word = parameter.name == "words" || parameter.name == "places";
  const double bound = 1 / std::sqrt(static_cast<double>(parameter.shape.back()));
  for (float& value : values)
    value =
        static_cast<float>(word ? kWordDeviation * random.normal() : random.uniform(-bound, bound));
  return values;
}

}  // namespace

DitArrays initial_weights(const DitConfig& config, uint64_t seed) {
  DitArrays weights;
  uint64_t stream = 0x1417;
  for (const DitParameter& parameter : dit_parameters(config))
    weights[parameter.name] = {parameter.shape, draw(parameter, Random(seed, stream++))};
  return weights;
}

}  // namespace vidattn
