#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "attention/inputs.h"
#include "attention/methods/balance.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

/// The balance loss that a call's backward pass adds to the loss of its output: `form` of the
/// method's router, times its parameter balance_alpha.
struct RouterBalance {
  BalanceForm form;
  double alpha;
  double value = 0;

  /// Throws InputError for a method without a router.
  RouterBalance(BalanceForm what, const BackendSpec& spec);
  std::string text() const;  ///< "balance loss (switch, alpha 0.1) 0.1034"
  nlohmann::json json() const;
};

/// The inputs that the gradient of a balance loss is by.
bool is_of_router(const std::string& input);

/// The router of a call's video tokens. `in` has the rows from `begin` on of a call of `length`
/// tokens, whose last ones are text: those go to no group.
LinearRouter video_router(const BackendSpec& spec, const Inputs& in, int64_t begin, int64_t length);

/// A balance loss's gradient by the router's inputs: of those of tokens the router's rows.
std::map<std::string, Array> balance_gradients(const LinearRouter& router, BalanceLoss loss);
/// Adds them to gradients by the same names, whose further rows stay as they are.
void add_gradients(const std::map<std::string, Array>& more, std::map<std::string, Array>& sum);

/// The loss of a call that one process has, whose gradient is added to `gradients`.
double add_balance(const RouterBalance& balance, const BackendSpec& spec, const Inputs& in,
                   std::map<std::string, Array>& gradients);

}  // namespace vidattn
