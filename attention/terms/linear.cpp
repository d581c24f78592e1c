#include "attention/terms/linear.h"

#include <cmath>
#include <vector>

#include "attention/cancel.h"
#include "attention/terms/joined.h"

namespace vidattn {
namespace {

void add_term(const LinearTerm& term, const Inputs& in, Output& out) {
  const int64_t dim = in.value_dim();
  Matrix state(0, 0);
  for (int64_t h = 0; h < in.heads(); ++h) {
    throw_if_cancelled();
    if (h == 0 || in.kv_head(h) != in.kv_head(h - 1)) state = linear_state(term, in, in.kv_head(h));
    const Matrix sums = product(head_of(*term.q, h), state);  // numerator and denominator
    Matrix result(sums.rows, dim);
#pragma omp parallel for schedule(static) num_threads(result.threads())
    for (int64_t i = 0; i < sums.rows; ++i)
      for (int64_t c = 0; c < dim; ++c)
        result.row(i)[c] = sums.row(i)[c] / (term.epsilon + sums.row(i)[dim]);
    if (!term.projection.empty()) {
      Matrix w(dim, dim);
      w.values = term.projection;
      result = product(result, w);
    }
    for (int64_t i = 0; i < result.rows && !term.bias.empty(); ++i)
      for (int64_t c = 0; c < dim; ++c) result.row(i)[c] += term.bias[c];
    add_rows(result, h, out.o);
  }
}

/// Adds a slope's part, with the branch's weights where it is `weighted`.
void add_slope(const Plan& plan, size_t b, const Inputs& in, const Output& out, bool weighted,
               Tensor& to) {
  const Branch& branch = plan.branches[b];
  const int64_t dim = in.value_dim(), heads = in.heads(), length = in.length();
  const auto scale = static_cast<float>(in.softmax_scale());
  const float* gate = weighted && branch.channel_weight
                          ? branch.channel_weight->as<float>("channel weight").data()
                          : nullptr;
  std::vector<float> share = shares_of(plan, b, out);
  for (int64_t h = 0; h < heads; ++h) {
    throw_if_cancelled();
    const int64_t kv_head = h / (heads / branch.value_slope->heads());
    const Matrix slope = transposed(head_of(*branch.value_slope, kv_head));
    for (int64_t i = 0; i < length; ++i)
      share[i * heads + h] *= scale * (weighted ? branch.weight_of(i, h, length, heads) : 1);
    add_rows(product(head_of(*in.q, h), slope), h, to, [&](int64_t i, int64_t c) {
      const float own = share[i * heads + h];
      return gate == nullptr ? own : own * gate[(i * heads + h) * dim + c];
    });
  }
}

}  // namespace

Matrix linear_state(const LinearTerm& term, const Inputs& in, int64_t kv_head) {
  const Matrix k = transposed(head_of(*term.k, kv_head));
  Matrix v = transposed(head_of(*in.v, kv_head));
  v.values.resize(v.values.size() + v.columns, 1.0F);  // times ones: the sum
  ++v.rows;
  return product(v, k);
}

std::vector<float> shares_of(const Plan& plan, size_t b, const Output& out) {
  const std::vector<float> all = joined_lse(plan, out, b);
  std::vector<float> share(all.size());
  for (size_t i = 0; i < all.size(); ++i)
    share[i] = std::isinf(out.lse[b][i]) ? 0 : std::exp(out.lse[b][i] - all[i]);
  return share;
}

void add_linear_terms(const Plan& plan, const Inputs& in, Output& out) {
  for (const LinearTerm& term : plan.linear) add_term(term, in, out);
  for (size_t b = 0; b < plan.branches.size(); ++b)
    if (plan.branches[b].value_slope && out.softmax.empty())
      add_slope(plan, b, in, out, true, out.o);
}

void add_slopes_to_softmax(const Plan& plan, const JoinedBranches& joined, const Inputs& in,
                           const Output& out, Tensor& softmax) {
  for (size_t b = joined.first; b < joined.last; ++b)
    if (plan.branches[b].value_slope) add_slope(plan, b, in, out, false, softmax);
}

}  // namespace vidattn
