#pragma once

#include <vector>

#include "attention/plan.h"

namespace vidattn {

struct Output;

/// Gradients of what is continuous in one branch; empty where the branch has no such thing.
struct BranchGradients {
  double weight = 0;                  ///< of Branch::weight
  std::vector<float> token_weight;    ///< as Branch::token_weight, [L] or [L,H]
  std::vector<float> channel_weight;  ///< as Branch::channel_weight, [L,H,DV]
  std::vector<float> key_bias;        ///< as Branch::key_bias, [keys], summed over heads
};

/// Gradients of what a linear term learns; empty where it has no such thing.
struct LinearGradients {
  std::vector<float> projection, bias;  ///< as LinearTerm's, summed over heads
};

/// Gradients of a loss, given that of a plan's output. What the plan selected (orders, segments,
/// ranges, output maps, the tokens that are pooled) is held constant, as in the authors' code, and
/// so are a plan's constant term and the sizes behind key biases.
struct Gradients {
  Tensor q;  ///< [L,H,D] float32
  Tensor k;  ///< [LK,HK,D] float32; of query heads that share a key head the sum
  Tensor v;  ///< [LK,HK,DV] float32
  std::vector<BranchGradients> branches;
  std::vector<LinearGradients> linear;
};

/// Gives `out` the shapes of a plan's gradients, zero-filled.
void start_gradients(const Plan& plan, const Inputs& in, Gradients& out);

/// Throws InputError, naming the term or branch, when the gradients of a plan cannot be had: a
/// linear term of unknown features, a slope of values of unknown origin, a constant of this call's
/// own q, k, v, prepared operands that do not say what they were pooled from, joined branches with
/// an output map, operands of low bits, or a d_o that is not [L,H,DV] float32.
void check_backward(const Plan& plan, const Inputs& in, const Tensor& d_o);

}  // namespace vidattn
