#pragma once

#include "attention/backward/gradients.h"
#include "attention/device.h"
#include "attention/terms/joined.h"
#include "attention/terms/matrix.h"

namespace vidattn {

/// Adds a plan's linear terms and, where the run did not keep results that have them, the slopes of
/// its branches' values (Branch::value_slope) to an output that holds everything else, by BLAS on
/// the host, head by head: 2·F·DV multiply-adds for each token of a linear term, and DV² with a
/// projection; D·DV for one of a slope. Ends early, by Cancelled, where runs are cancelled.
void add_linear_terms(const Plan& plan, const Inputs& in, Output& out);

/// Adds the slopes of the branches that share a softmax to its result before weights, [L,H,DV];
/// `out` has their LSE.
void add_slopes_to_softmax(const Plan& plan, const JoinedBranches& joined, const Inputs& in,
                           const Output& out, Tensor& softmax);

/// Adds the gradients of a plan's linear terms for that of the output, d_o [L,H,DV] float32, by
/// BLAS on the host: of q, k, v, projections and biases. 6·F·DV multiply-adds a token, and 2·DV²
/// with a projection.
void add_linear_gradients(const Plan& plan, const Inputs& in, const Tensor& d_o, Gradients& out);

/// Share of every token's softmax that branch b has, [L,H]; `out` has the LSE of all its branches.
std::vector<float> shares_of(const Plan& plan, size_t b, const Output& out);

/// sum_j k_j v_j^T of one key head, transposed, [DV,F], and below it sum_j k_j, [1,F].
Matrix linear_state(const LinearTerm& term, const Inputs& in, int64_t kv_head);

}  // namespace vidattn
