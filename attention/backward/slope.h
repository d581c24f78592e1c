#pragma once

#include <vector>

#include "attention/backward/gradients.h"
#include "attention/backward/upstream.h"

namespace vidattn {

/// Adds what q, k and v get through the slope of branch b's values, by BLAS on the host: 8·D·DV
/// multiply-adds a token. Returns the delta [rows,H] that the branch's softmax then has: the slope
/// adds the same to the gradient of all of a query's weights in the branch. `kept` has the LSE.
std::vector<float> pass_slope(const Plan& plan, size_t b, const Inputs& in, const Output& kept,
                              const Upstream& upstream, Gradients& out);

/// Runs `work(upstream)` with what branch b gets from its softmax.
template <class Work>
void with_slope_passed(const Plan& plan, size_t b, const Inputs& in, const Output& kept,
                       Upstream& upstream, Gradients& out, const Work& work) {
  if (!plan.branches[b].value_slope) return work(upstream);
  std::vector<float> delta = pass_slope(plan, b, in, kept, upstream, out);
  upstream.delta.swap(delta);
  work(upstream);
  upstream.delta.swap(delta);
}

}  // namespace vidattn
