#include <fmt/format.h>

#include "harness/dit/experiments/trained/variants.h"

namespace vidattn {
namespace {

constexpr double kTemperatures[] = {1, 0.5};

ExperimentResult temperature(const ExperimentRequest& request) {
  std::vector<TrainedVariant> variants;
  for (const double temperature : kTemperatures)
    variants.push_back({fmt::format("temperature {:g}", temperature),
                        fmt::format("moga_stga:num_groups=5,temperature={:g}", temperature)});
  ExperimentResult result = compare_variants(
      request, variants, {kColourColumn, kKeptColumn, kCrossShotColumn, kIdentityColumn});
  result.notes.emplace_back("MoGA, Table 6 and Figure 13: what divides the router's scores.");
  return result;
}

const RegisterExperiment registered_temperature(
    {"temperature", "does a sharper router (temperature 0.5) do better than 1?", temperature});

}  // namespace
}  // namespace vidattn
