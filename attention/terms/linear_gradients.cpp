#include <algorithm>

#include "attention/cancel.h"
#include "attention/terms/features.h"
#include "attention/terms/linear.h"

namespace vidattn {
namespace {

/// One query head of a term, and what its gradients are made of.
struct LinearHead {
  const LinearTerm& term;
  Matrix q, state;       ///< features [L,F]; linear_state() [DV+1,F]
  Matrix sums;           ///< [L,DV+1]: numerators and, but for epsilon, denominators
  Matrix results{0, 0};  ///< [L,DV], before the projection
  Matrix d_sums{0, 0};   ///< gradient of `sums`

  LinearHead(const LinearTerm& of, Matrix of_keys, int64_t head)
      : term(of), q(head_of(*of.q, head)), state(std::move(of_keys)), sums(product(q, state)) {
    const int64_t dim = state.rows - 1;
    results = Matrix(q.rows, dim);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < q.rows; ++i)
      for (int64_t c = 0; c < dim; ++c)
        results.row(i)[c] = sums.row(i)[c] / (term.epsilon + sums.row(i)[dim]);
  }

  /// From the gradient of the results, [L,DV].
  void pass_quotient(const Matrix& d) {
    const int64_t dim = d.columns;
    d_sums = Matrix(d.rows, dim + 1);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < d.rows; ++i) {
      const float denominator = term.epsilon + sums.row(i)[dim];
      float of_denominator = 0;
      for (int64_t c = 0; c < dim; ++c) {
        d_sums.row(i)[c] = d.row(i)[c] / denominator;
        of_denominator -= d_sums.row(i)[c] * results.row(i)[c];
      }
      d_sums.row(i)[dim] = of_denominator;
    }
  }
};

/// Gradient of the results before the projection; adds those of the projection and the bias.
Matrix pass_projection(const LinearHead& head, Matrix d, LinearGradients& out) {
  for (int64_t i = 0; i < d.rows && !out.bias.empty(); ++i)
    for (int64_t c = 0; c < d.columns; ++c) out.bias[c] += d.row(i)[c];
  if (head.term.projection.empty()) return d;
  const Matrix of_projection = product(transposed(d), transposed(head.results));
  for (size_t i = 0; i < out.projection.size(); ++i) out.projection[i] += of_projection.values[i];
  Matrix w(d.columns, d.columns);
  w.values = head.term.projection;
  return product(d, transposed(w));
}

/// Adds the gradient of a head's features to that of the tensor that they are of.
void add_feature_gradient(const LinearTerm& term, const Tensor& features, Matrix d, int64_t head,
                          Tensor& to) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < d.rows; ++i)
    pass_features(term.map, features.row(i, head), d.columns, d.row(i));
  add_rows(d, head, to);
}

/// Gradients of keys and values, from that of their state.
void add_state_gradient(const LinearTerm& term, const Inputs& in, const Matrix& d_state,
                        int64_t kv_head, Gradients& out) {
  Matrix v = head_of(*in.v, kv_head), values(v.rows, v.columns + 1);
  for (int64_t j = 0; j < v.rows; ++j) {
    std::copy_n(v.row(j), v.columns, values.row(j));
    values.row(j)[v.columns] = 1;
  }
  add_feature_gradient(term, *term.k, product(values, transposed(d_state)), kv_head, out.k);
  Matrix of_values = d_state;
  of_values.values.resize(--of_values.rows * of_values.columns);
  add_rows(product(head_of(*term.k, kv_head), of_values), kv_head, out.v);
}

void add_term_gradients(const LinearTerm& term, const Inputs& in, const Tensor& d_o,
                        LinearGradients& of_term, Gradients& out) {
  const int64_t group = in.heads() / in.kv_heads();
  for (int64_t kv = 0; kv < in.kv_heads(); ++kv) {
    const Matrix state = linear_state(term, in, kv);
    Matrix d_state(state.rows, state.columns);
    for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
      throw_if_cancelled();
      LinearHead head(term, state, h);
      head.pass_quotient(pass_projection(head, head_of(d_o, h), of_term));
      add_feature_gradient(term, *term.q, product(head.d_sums, transposed(state)), h, out.q);
      const Matrix more = product(transposed(head.d_sums), transposed(head.q));
      for (size_t i = 0; i < more.values.size(); ++i) d_state.values[i] += more.values[i];
    }
    add_state_gradient(term, in, d_state, kv, out);
  }
}

}  // namespace

void add_linear_gradients(const Plan& plan, const Inputs& in, const Tensor& d_o, Gradients& out) {
  for (size_t t = 0; t < plan.linear.size(); ++t)
    add_term_gradients(plan.linear[t], in, d_o, out.linear[t], out);
}

}  // namespace vidattn
