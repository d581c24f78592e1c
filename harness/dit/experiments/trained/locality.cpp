#include "harness/dit/experiments/trained/variants.h"

namespace vidattn {
namespace {

/// Full attention; MoGA alone; STGA alone and both, with boundary frames.
const std::vector<std::string>& local_and_global() {
  static const std::vector<std::string> methods{"full",
                                                "moga:num_groups=5",
                                                "stga:boundary_frames=0",
                                                "stga",
                                                "stga:boundary_frames=2",
                                                "moga_stga:num_groups=5,boundary_frames=0",
                                                kPaperMethod,
                                                "moga_stga:num_groups=5,boundary_frames=2"};
  return methods;
}

ExperimentResult locality(const ExperimentRequest& request) {
  ExperimentResult result = compare_variants(request, variants_of(local_and_global()),
                                             {kDensityColumn,
                                              kColourColumn,
                                              kKeptColumn,
                                              kCrossShotColumn,
                                              {"sharpness", "sharpness", 3},
                                              {"cut flicker", "cut flicker", 3},
                                              {"temporal_flickering", "flicker", 4}});
  result.notes.emplace_back(
      "MoGA, Figure 7: groups alone, windows alone and both, whose windows see 0, 1 (the paper's "
      "two latent frames, one of each neighbour) or 2 boundary frames of each neighbouring shot. "
      "Sharpness and cut flicker are of the painted shots over the true clip's: 1 is as sharp, and "
      "no more change behind a cut than later.");
  return result;
}

const RegisterExperiment registered_locality(
    {"locality", "what do groups, windows and boundary frames each do?", locality});

}  // namespace
}  // namespace vidattn
