#include "attention/methods/balance.h"

#include "attention/methods/router_backward.h"

namespace vidattn {
namespace {

/// F, [M].
std::vector<double> shares_of_groups(const LinearRouter& router,
                                     const std::vector<int32_t>& group) {
  std::vector<double> share(router.groups);
  for (const int32_t g : group) share[g] += 1 / static_cast<double>(router.tokens);
  return share;
}

}  // namespace

BalanceLoss balance_loss(const LinearRouter& router, const std::vector<int32_t>& group,
                         BalanceForm form, double alpha) {
  const std::vector<double> share = shares_of_groups(router, group);
  const double factor =
      alpha * static_cast<double>(router.groups) / static_cast<double>(router.tokens);
  BalanceLoss loss;
  if (form == BalanceForm::one_hot)
    for (const double f : share) loss.value += alpha * static_cast<double>(router.groups) * f * f;
  loss.scores.resize(router.tokens * router.groups);
  // Every token has alpha * M / N * sum_m weight_m p_m of the loss.
  for (int64_t i = 0; i < router.tokens; ++i) {
    const RoutedToken token(router, i);
    std::vector<double> weight = share;
    if (form == BalanceForm::assigned) {
      weight.assign(router.groups, 0);
      weight[group[i]] = share[group[i]];
    }
    for (int64_t m = 0; m < router.groups && form != BalanceForm::one_hot; ++m)
      loss.value += factor * weight[m] * token.p[m];
    add_softmax_gradient(token, router.temperature, weight, factor,
                         &loss.scores[i * router.groups]);
  }
  return loss;
}

}  // namespace vidattn
