#include "harness/distributed/calls/shared_balance.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "harness/distributed/calls/input_gradients.h"
#include "harness/distributed/calls/shared_router.h"

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

double add_shared_balance(const RouterBalance& balance, const BackendSpec& spec,
                          const SharedInputs& inputs, const Device& device, Communicator& world,
                          std::map<std::string, Array>& gradients) {
  const std::vector<int64_t> tokens = world.all_gather(inputs.own.length());
  const int64_t begin = std::accumulate(tokens.begin(), tokens.begin() + world.rank(), int64_t{0});
  const LinearRouter router = video_router(spec, inputs.own, begin, inputs.shape.length);
  const std::vector<int32_t> all = SharedRouter(device, world).route(router).group->host();
  const auto own = all.begin() + std::min(begin, std::ssize(all));
  BalanceLoss loss =
      shared_balance_loss(router, {own, own + router.tokens}, balance.form, balance.alpha, world);
  const double value = loss.value;
  auto found = balance_gradients(router, std::move(loss));
  for (auto& [name, array] : found)
    if (!is_of_tokens(spec, name)) sum_over(world, std::get<std::vector<float>>(array.values));
  add_gradients(found, gradients);
  return value;
}

}  // namespace vidattn
