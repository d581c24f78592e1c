#include <fmt/format.h>

#include "attention/cancel.h"
#include "harness/dit/experiments/trained/variants.h"

namespace vidattn {
namespace {

constexpr int64_t kGroupCounts[] = {2, 4, 8, 16};

ExperimentResult groups(const ExperimentRequest& request) {
  // One group is full attention, as the paper's row of no sparsity says.
  std::vector<TrainedVariant> variants{{"M=1 (full)", "full"}};
  for (const int64_t count : kGroupCounts)
    variants.push_back({fmt::format("M={}", count), fmt::format("moga_stga:num_groups={}", count)});
  ExperimentResult result = compare_variants(request, variants,
                                             {kCrossShotColumn,
                                              kIdentityColumn,
                                              kColourColumn,
                                              kKeptColumn,
                                              {"density", "sparsity %", 1, -100, 100},
                                              kFlopsColumn});
  result.notes.emplace_back(
      "MoGA, Table 4: the same training budget for every number of groups M. Cross-shot "
      "similarities are of hsv_lbp_vlad, over the frame and masked to a character; identity is to "
      "be seen against other films of the same cast.");
  return result;
}

const RegisterExperiment registered_groups(
    {"groups", "what does the number of groups do at one training budget?", groups});

}  // namespace
}  // namespace vidattn
