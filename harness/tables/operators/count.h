#pragma once

#include <string>

#include "attention/grid.h"
#include "attention/inputs.h"
#include "metrics/plan/stats.h"

namespace vidattn {

/// Synthetic routers, to count what a plan costs without rendering a video.
enum class Router {
  balanced,  ///< groups of equal size, tokens spread at random
  skewed,    ///< group g has a share proportional to 1/(g+1) (Zipf), tokens spread at random
};

/// 480p on Wan: latent frames of 30x52 tokens, cut into `temporal_groups` shots of equal length.
/// Throws InputError unless `tokens` is a whole number of frames.
VideoGrid grid_480p(int64_t tokens, int64_t temporal_groups);

/// Inputs that are enough to plan moga_stga on: router_logits of the synthetic router, and q, k, v
/// of one narrow head, because its plan does not look at them.
Inputs routed_inputs(const VideoGrid& grid, int64_t groups, Router router);

/// Counts on the plan of moga_stga with its default parameters and M groups. M = 1 stands for full
/// attention. Inputs need router_logits or hidden states.
PlanStats count_moga_stga(const Inputs& in, int64_t groups);

/// Sum of the squared shares of a router's groups: density of MoGA's branch.
double router_density(int64_t groups, Router router);

}  // namespace vidattn
