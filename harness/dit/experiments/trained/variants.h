#pragma once

#include <vector>

#include "harness/dit/experiments/contest.h"
#include "harness/dit/experiments/trained/trained_models.h"

namespace vidattn {

/// Trains the variants with all seeds, from the same networks and clips, and lets them paint: a
/// contest with further columns of the trainings: flow loss, balance M sum F P as Switch has it,
/// largest group over the mean, each of the last tenth of the steps, and the routers' best-group
/// IoU (group_iou.h). Throws InputError, before any work, for a request that makes no sense.
ExperimentResult compare_variants(const ExperimentRequest& request,
                                  const std::vector<TrainedVariant>& variants,
                                  const std::vector<ContestColumn>& columns);

/// A column of the trainings: a key of the log at the end, [variant][seed].
std::vector<std::vector<double>> at_the_end(const std::vector<TrainedFolders>& trained,
                                            const std::string& key);

}  // namespace vidattn
