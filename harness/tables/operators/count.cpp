#include "harness/tables/operators/count.h"

#include <algorithm>
#include <numeric>

#include "attention/error.h"
#include "harness/host/random.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {
namespace {

std::vector<double> shares(int64_t groups, Router router) {
  std::vector<double> share(groups);
  for (int64_t g = 0; g < groups; ++g)
    share[g] = router == Router::balanced ? 1 : 1 / static_cast<double>(g + 1);
  const double sum = std::accumulate(share.begin(), share.end(), 0.0);
  for (double& s : share) s /= sum;
  return share;
}

/// The group of every token: sizes as near to the shares as whole tokens allow, order at random.
std::vector<int32_t> assign(int64_t tokens, const std::vector<double>& share) {
  std::vector<int32_t> group(tokens);
  double upto = 0;
  int64_t begin = 0;
  for (size_t g = 0; g < share.size(); ++g) {
    upto += share[g];
    const int64_t end = g + 1 == share.size()
                            ? tokens
                            : static_cast<int64_t>(upto * static_cast<double>(tokens) + 0.5);
    std::fill(group.begin() + begin, group.begin() + end, static_cast<int32_t>(g));
    begin = end;
  }
  Random random(1);
  for (int64_t i = tokens - 1; i > 0; --i) std::swap(group[i], group[random.below(i + 1)]);
  return group;
}

}  // namespace

VideoGrid grid_480p(int64_t tokens, int64_t temporal_groups) {
  VideoGrid grid;
  grid.height = 30;
  grid.width = 52;
  grid.frames = tokens / grid.frame_size();
  if (tokens < 1 || tokens % grid.frame_size() != 0)
    throw InputError(std::to_string(tokens) + " tokens are no whole number of 480p frames of " +
                     std::to_string(grid.frame_size()) + " tokens (30x52)");
  const int64_t groups = std::min(temporal_groups, grid.frames);
  grid.shots.clear();
  for (int64_t g = 0; g < groups; ++g) grid.shots.push_back(g * grid.frames / groups);
  return grid;
}

Inputs routed_inputs(const VideoGrid& grid, int64_t groups, Router router) {
  const int64_t tokens = grid.tokens();
  std::vector<float> logits(tokens * groups);
  const auto group = assign(tokens, shares(groups, router));
  for (int64_t i = 0; i < tokens; ++i) logits[i * groups + group[i]] = 1;
  Inputs in;
  in.grid = grid;
  in.q = in.k = in.v = std::make_shared<const Tensor>(tokens, 1, 8);
  in.extra["router_logits"] =
      std::make_shared<const Array>(Array{{tokens, groups}, std::move(logits)});
  return in;
}

PlanStats count_moga_stga(const Inputs& in, int64_t groups) {
  const BackendSpec spec =
      parse_backend(groups == 1 ? "full" : "moga_stga:num_groups=" + std::to_string(groups));
  Inputs prepared = in;
  spec.backend->prepare(prepared, spec.params);
  return plan_stats(spec.backend->plan(prepared, spec.params), prepared);
}

double router_density(int64_t groups, Router router) {
  double sum = 0;
  for (double share : shares(groups, router)) sum += share * share;
  return sum;
}

}  // namespace vidattn
