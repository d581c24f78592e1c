#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/methods/router.h"

namespace vidattn {

/// What P_i means in the loss alpha * M * sum_i F_i P_i that keeps a router's groups even (MoGA
/// Eq. 6 to 8); F_i is the share of the tokens that are in group i.
enum class BalanceForm {
  assigned,            ///< as Eq. 8 is printed: the sum of p_i over the tokens of group i, over N
  switch_transformer,  ///< the mean of p_i over all tokens (Fedus et al. 2021, arXiv 2101.03961)
  /// F_i itself, the mean of the choices as one-hot rows: M * sum_i F_i^2, which is 1 for even
  /// groups alone, while Switch's form may stay low with top-1 groups far from even. Choices have
  /// no gradient; straight through them to p (Bengio et al. 2013, arXiv 1308.3432), F_i constant,
  /// it is Switch's.
  one_hot,
};

/// "eq8", "switch" and "onehot", as BalanceForm has them.
std::vector<std::string> balance_forms();
std::string to_string(BalanceForm form);
/// Throws InputError for another text.
BalanceForm parse_balance_form(const std::string& text);

struct BalanceLoss {
  double value = 0;
  std::vector<float> scores;  ///< [L,M], gradient of the router's scores; F is held constant
};

/// The loss of one call and its gradient, to be added to that of the output
/// (Backend::input_gradients). `group`, [L], is where route_tokens() put each token.
/// pass_scores() takes it on to hidden states and the linear layer.
BalanceLoss balance_loss(const LinearRouter& router, const std::vector<int32_t>& group,
                         BalanceForm form, double alpha);

/// Tokens in each group, [M].
std::vector<int64_t> group_counts(const std::vector<int32_t>& group, int64_t groups);

/// What some tokens of a call have of it: `counts`, [M], are of all its tokens. The parts' values
/// add up to that of the call, and their scores' gradients are its rows.
BalanceLoss balance_part(const LinearRouter& router, const std::vector<int32_t>& group,
                         const std::vector<int64_t>& counts, BalanceForm form, double alpha);

}  // namespace vidattn
