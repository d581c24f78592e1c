#include "harness/distributed/calls/shared_balance.h"

namespace vidattn {

BalanceLoss shared_balance_loss(const LinearRouter& own, const std::vector<int32_t>& group,
                                BalanceForm form, double alpha, Communicator& world) {
  const std::vector<int64_t> of_ranks = all_gather_values(world, group_counts(group, own.groups));
  std::vector<int64_t> counts(own.groups);
  for (size_t i = 0; i < of_ranks.size(); ++i) counts[i % counts.size()] += of_ranks[i];
  BalanceLoss loss = balance_part(own, group, counts, form, alpha);
  const std::vector<double> parts = world.all_gather(loss.value);
  loss.value = 0;
  for (const double part : parts) loss.value += part;
  return loss;
}

}  // namespace vidattn
