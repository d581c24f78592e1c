#include "harness/conform/router_balance.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attention/error.h"
#include "attention/methods/moga.h"

namespace vidattn {

RouterBalance::RouterBalance(BalanceForm what, const BackendSpec& spec) : form(what) {
  if (spec.backend->info().plans_from != PlansFrom::router)
    throw InputError(spec.backend->name() + " has no router, whose groups --balance is for");
  alpha = std::get<double>(spec.params.value("balance_alpha"));
}

std::string RouterBalance::text() const {
  return fmt::format("balance loss ({}, alpha {:g}) {:.6g}", to_string(form), alpha, value);
}

nlohmann::json RouterBalance::json() const {
  return {{"form", to_string(form)}, {"alpha", alpha}, {"value", value}};
}

bool is_of_router(const std::string& input) {
  return input == "router_logits" || input == "router_weight" || input == "router_bias" ||
         input == "hidden";
}

LinearRouter video_router(const BackendSpec& spec, const Inputs& in, int64_t begin,
                          int64_t length) {
  LinearRouter router = moga_router(in, spec.params);
  router.tokens = std::clamp<int64_t>(length - in.grid.text_tokens - begin, 0, router.tokens);
  router.hidden.count = router.tokens;
  return router;
}

std::map<std::string, Array> balance_gradients(const LinearRouter& router, BalanceLoss loss) {
  return moga_router_gradients(router, pass_scores(router, std::move(loss.scores)));
}

void add_gradients(const std::map<std::string, Array>& more, std::map<std::string, Array>& sum) {
  for (const auto& [name, array] : more) {
    const auto& from = std::get<std::vector<float>>(array.values);
    auto& to = std::get<std::vector<float>>(sum.at(name).values);
    for (size_t i = 0; i < from.size(); ++i) to[i] += from[i];
  }
}

double add_balance(const RouterBalance& balance, const BackendSpec& spec, const Inputs& in,
                   std::map<std::string, Array>& gradients) {
  const LinearRouter router = video_router(spec, in, 0, in.length());
  BalanceLoss loss = balance_loss(router, route_tokens(router, in.device).group->host(),
                                  balance.form, balance.alpha);
  const double value = loss.value;
  add_gradients(balance_gradients(router, std::move(loss)), gradients);
  return value;
}

}  // namespace vidattn
