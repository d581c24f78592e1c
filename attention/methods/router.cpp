#include "attention/methods/router.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/backend.h"
#include "attention/blas.h"
#include "attention/device.h"
#include "attention/parallel.h"

namespace vidattn {
namespace {

/// Scores of tokens [begin, end), [end - begin, M]; computed ones are written to the buffer.
const float* scores_of(const LinearRouter& router, int64_t begin, int64_t end,
                       std::vector<float>& buffer) {
  const int64_t groups = router.groups;
  if (router.scores) return router.scores + begin * groups;
  const PointSet& x = router.hidden;
  buffer.resize(kTokenBlock * groups);
  gemm_nt(end - begin, groups, x.dim, x.data + begin * x.stride, x.stride, router.weight, x.dim,
          buffer.data(), groups);
  for (int64_t i = 0; router.bias != nullptr && i < end - begin; ++i)
    for (int64_t m = 0; m < groups; ++m) buffer[i * groups + m] += router.bias[m];
  return buffer.data();
}

/// Sums of p per group over a block's tokens.
struct Sums {
  std::vector<double> all, assigned;  ///< over all tokens; over the tokens of the group
};

/// Softmax and argmax of one block (MoGA Eq. 3 and 4).
Sums route_block(const LinearRouter& router, const float* scores, int64_t begin, int64_t end,
                 std::vector<int32_t>& group, std::vector<float>& gate) {
  const int64_t groups = router.groups;
  std::vector<double> p(groups);
  Sums sums{std::vector<double>(groups), std::vector<double>(groups)};
  for (int64_t i = begin; i < end; ++i) {
    const float* row = scores + (i - begin) * groups;
    const auto g = std::max_element(row, row + groups) - row;
    double sum = 0;
    for (int64_t m = 0; m < groups; ++m)
      sum += p[m] = std::exp((double{row[m]} - row[g]) / router.temperature);
    for (int64_t m = 0; m < groups; ++m) sums.all[m] += p[m] / sum;
    group[i] = static_cast<int32_t>(g);
    gate[i] = static_cast<float>(p[g] / sum);
    sums.assigned[g] += p[g] / sum;
  }
  return sums;
}

/// Counting sort.
std::vector<int32_t> sort_by_group(const std::vector<int32_t>& group,
                                   const std::vector<int32_t>& sizes) {
  std::vector<int32_t> order(group.size()), next(sizes.size());
  std::exclusive_scan(sizes.begin(), sizes.end(), next.begin(), 0);
  for (size_t i = 0; i < group.size(); ++i) order[next[group[i]]++] = static_cast<int32_t>(i);
  return order;
}

}  // namespace

Routing routing_of(std::vector<int32_t> group, std::vector<float> gate, int64_t groups) {
  Routing routing;
  routing.sizes.resize(groups);
  for (const int32_t g : group) ++routing.sizes[g];
  routing.order = make_order(sort_by_group(group, routing.sizes));
  routing.group = make_list(std::move(group));
  routing.gate = make_list(std::move(gate));
  return routing;
}

Routing route_on_host(const LinearRouter& router) {
  const int64_t tokens = router.tokens, groups = router.groups;
  Routing routing;
  routing.p_assigned.resize(groups);
  routing.p_mean.resize(groups);
  std::vector<int32_t> group(tokens);
  std::vector<float> gate(tokens);
  {
    const int64_t buffers = router.scores ? 0 : omp_get_max_threads() * kTokenBlock * groups * 4;
    const StageTimer timer(routing.stages, "routing", router.flops(), tokens * 8 + buffers);
    const int64_t blocks = (tokens + kTokenBlock - 1) / kTokenBlock;
    std::vector<Sums> sums(blocks);
    RegionErrors errors;
#pragma omp parallel
    {
      std::vector<float> buffer;
#pragma omp for schedule(static)
      for (int64_t b = 0; b < blocks; ++b)
        errors.catching([&] {
          const int64_t begin = b * kTokenBlock, end = std::min(tokens, begin + kTokenBlock);
          sums[b] =
              route_block(router, scores_of(router, begin, end, buffer), begin, end, group, gate);
        });
    }
    errors.rethrow();
    for (const Sums& s : sums)
      for (int64_t m = 0; m < groups; ++m) {
        routing.p_mean[m] += s.all[m] / static_cast<double>(tokens);
        routing.p_assigned[m] += s.assigned[m] / static_cast<double>(tokens);
      }
  }
  const StageTimer timer(routing.stages, "group sort", 0, tokens * 8);
  Routing lists = routing_of(std::move(group), std::move(gate), groups);
  routing.sizes = std::move(lists.sizes);
  routing.order = std::move(lists.order);
  routing.group = std::move(lists.group);
  routing.gate = std::move(lists.gate);
  return routing;
}

Routing route_tokens(const LinearRouter& router, const Device* device) {
  const auto* on_device = dynamic_cast<const GroupRouter*>(device);
  return on_device ? on_device->route(router) : route_on_host(router);
}

}  // namespace vidattn
