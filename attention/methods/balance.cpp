#include "attention/methods/balance.h"

#include <numeric>
#include <stdexcept>
#include <utility>

#include "attention/error.h"
#include "attention/methods/router_backward.h"
#include "attention/nearest.h"

namespace vidattn {
namespace {

constexpr std::pair<const char*, BalanceForm> kBalanceForms[] = {
    {"eq8", BalanceForm::assigned},
    {"switch", BalanceForm::switch_transformer},
    {"onehot", BalanceForm::one_hot}};

}  // namespace

std::vector<std::string> balance_forms() {
  std::vector<std::string> names;
  for (const auto& [name, form] : kBalanceForms) names.emplace_back(name);
  return names;
}

std::string to_string(BalanceForm form) {
  for (const auto& [name, known] : kBalanceForms)
    if (known == form) return name;
  throw std::logic_error("BalanceForm without a name");
}

BalanceForm parse_balance_form(const std::string& text) {
  for (const auto& [name, form] : kBalanceForms)
    if (name == text) return form;
  throw InputError("unknown balance loss '" + text + "': " + known_are(text, balance_forms()));
}

std::vector<int64_t> group_counts(const std::vector<int32_t>& group, int64_t groups) {
  std::vector<int64_t> counts(groups);
  for (const int32_t g : group) ++counts[g];
  return counts;
}

BalanceLoss balance_part(const LinearRouter& router, const std::vector<int32_t>& group,
                         const std::vector<int64_t>& counts, BalanceForm form, double alpha) {
  const auto all = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  const double factor = alpha * static_cast<double>(router.groups) / all;
  std::vector<double> share;  // F
  for (const int64_t count : counts) share.push_back(static_cast<double>(count) / all);
  BalanceLoss loss;
  loss.scores.resize(router.tokens * router.groups);
  // Every token has alpha * M / N * sum_m weight_m p_m of the loss; as a one-hot row its own share.
  for (int64_t i = 0; i < router.tokens; ++i) {
    const RoutedToken token(router, i);
    std::vector<double> weight = share;
    if (form == BalanceForm::assigned) {
      weight.assign(router.groups, 0);
      weight[group[i]] = share[group[i]];
    }
    if (form == BalanceForm::one_hot)
      loss.value += factor * share[group[i]];
    else
      for (int64_t m = 0; m < router.groups; ++m) loss.value += factor * weight[m] * token.p[m];
    add_softmax_gradient(token, router.temperature, weight, factor,
                         &loss.scores[i * router.groups]);
  }
  return loss;
}

BalanceLoss balance_loss(const LinearRouter& router, const std::vector<int32_t>& group,
                         BalanceForm form, double alpha) {
  return balance_part(router, group, group_counts(group, router.groups), form, alpha);
}

}  // namespace vidattn
