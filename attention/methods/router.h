#pragma once

#include <cstdint>
#include <vector>

#include "attention/methods/kmeans.h"
#include "attention/plan.h"

namespace vidattn {

class Device;

/// A linear router that puts each of L tokens into one of M groups. Its scores are given, or
/// r = W x + b of the hidden states (MoGA Eq. 2). The pointers belong to the caller.
struct LinearRouter {
  int64_t tokens, groups;
  double temperature = 1;         ///< divides the scores before the softmax
  const float* scores = nullptr;  ///< [L,M]; null = computed from what follows
  PointSet hidden = {};           ///< [L,C]
  const float* weight = nullptr;  ///< [M,C]
  const float* bias = nullptr;    ///< [M]; null = 0

  /// Of the scores that are not given.
  double flops() const {
    return scores ? 0 : 2.0 * static_cast<double>(tokens * hidden.dim * groups);
  }
};

/// Where every token went (MoGA Eq. 3 and 4), and the sums of its balance loss.
struct Routing {
  std::shared_ptr<const List<int32_t>> group;  ///< [L]; ties go to the lowest group
  std::shared_ptr<const List<float>> gate;     ///< [L], the probability p(g(x)|x)
  Order order;                                 ///< by group, and by token in each (A.6's permute)
  std::vector<int32_t> sizes;                  ///< [M], tokens per group
  std::vector<double> p_assigned;  ///< [M], Eq. 8: sum of p over the tokens of the group / N
  std::vector<double> p_mean;      ///< [M], Switch Transformer: mean of p over all tokens
  std::vector<PlanStage> stages;   ///< what the work cost
};

/// The lists of tokens that went to these groups with these gates; no sums.
Routing routing_of(std::vector<int32_t> group, std::vector<float> gate, int64_t groups);

/// Gradients of a loss by what a router's gates come from.
struct RouterGradients {
  std::vector<float> scores;        ///< [L,M]
  std::vector<float> hidden;        ///< [L,C]; this and the next two empty for given scores
  std::vector<float> weight, bias;  ///< [M,C], [M]; without a bias the latter is empty
  double temperature = 0;
};

/// From the gradient of every token's gate, [L], the probability of its group, [L], which is held
/// constant: d p_g / d r_m = p_g (1[m = g] - p_m) / T.
RouterGradients route_backward(const LinearRouter& router, const std::vector<int32_t>& group,
                               const float* gate);

/// Those of the scores, [L,M], passed on to what they were computed from.
RouterGradients pass_scores(const LinearRouter& router, std::vector<float> scores);

/// What a device offers, as a second base class, when it can route: the lists then stay in its
/// memory.
class GroupRouter {
 public:
  virtual ~GroupRouter() = default;
  /// Throws DeviceError.
  virtual Routing route(const LinearRouter& router) const = 0;
};

/// Tokens routed at a time: their scores stay in cache, and the sums are added in block order, so
/// that the balance loss does not depend on the number of threads. The bits of computed scores can
/// depend on which tokens share a block.
inline constexpr int64_t kTokenBlock = 1024;

/// Routes on the host's cores.
Routing route_on_host(const LinearRouter& router);

/// Routes on the device where it can, else, and without a device, on the host. Throws DeviceError.
Routing route_tokens(const LinearRouter& router, const Device* device);

}  // namespace vidattn
