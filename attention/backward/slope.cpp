#include "attention/backward/slope.h"

#include "attention/cancel.h"
#include "attention/terms/linear.h"

namespace vidattn {
namespace {

Matrix upstream_of(const Upstream& upstream, int64_t head, int64_t heads, int64_t dim) {
  Matrix d(upstream.rows, dim);
  for (int64_t i = 0; i < d.rows; ++i)
    std::copy_n(upstream.values + (i * heads + head) * dim, dim, d.row(i));
  return d;
}

/// Rows less the mean of their set; 0 for those of no set.
Matrix centred(const Matrix& rows, const PoolingMap& map) {
  Matrix moved(rows.rows, rows.columns);
  std::vector<float> mean(rows.columns);
  for (int64_t r = 0; r < map.rows(); ++r) {
    std::fill(mean.begin(), mean.end(), 0.0F);
    for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i)
      for (int64_t c = 0; c < rows.columns; ++c)
        mean[c] += map.weight_at(r, i) * rows.row((*map.tokens)[i])[c];
    for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i)
      for (int64_t c = 0; c < rows.columns; ++c)
        moved.row((*map.tokens)[i])[c] = rows.row((*map.tokens)[i])[c] - mean[c];
  }
  return moved;
}

/// Gradients of one key head's keys and values, from that of its slope [D,DV].
void add_slope_origin(const Branch& branch, const Inputs& in, const Matrix& d_slope, int64_t kv,
                      Gradients& out) {
  const PoolingMap& map = (*branch.slope_from)[kv * branch.slope_from->size() / in.kv_heads()];
  const auto share = [&](int64_t, int64_t) { return 1 / static_cast<float>(in.keys()); };
  add_rows(product(centred(head_of(*in.v, kv), map), d_slope), kv, out.k, share);
  add_rows(product(centred(head_of(*in.k, kv), map), transposed(d_slope)), kv, out.v, share);
}

}  // namespace

std::vector<float> pass_slope(const Plan& plan, size_t b, const Inputs& in, const Output& kept,
                              const Upstream& upstream, Gradients& out) {
  const Branch& branch = plan.branches[b];
  const int64_t heads = in.heads(), dim = in.value_dim(), group = heads / in.kv_heads();
  const auto scale = static_cast<float>(in.softmax_scale());
  const std::vector<float> share = shares_of(plan, b, kept);
  std::vector<float> delta = upstream.delta;
  for (int64_t kv = 0; kv < in.kv_heads(); ++kv) {
    const Matrix slope = head_of(*branch.value_slope, kv);
    Matrix d_slope(slope.rows, slope.columns);
    for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
      throw_if_cancelled();
      Matrix d = upstream_of(upstream, h, heads, dim);
      const Matrix query = head_of(*in.q, h), along = product(d, slope);  // S d, [L,D]
      for (int64_t i = 0; i < d.rows; ++i) {
        const float own = share[i * heads + h];
        double of_weights = 0;
        for (int64_t c = 0; c < query.columns; ++c)
          of_weights += double{along.row(i)[c]} * double{query.row(i)[c]};
        delta[i * heads + h] -= static_cast<float>(scale * of_weights);
        for (int64_t c = 0; c < dim; ++c) d.row(i)[c] *= own * scale;
      }
      add_rows(along, h, out.q, [&](int64_t i, int64_t) { return scale * share[i * heads + h]; });
      const Matrix more = product(transposed(query), transposed(d));
      for (size_t i = 0; i < more.values.size(); ++i) d_slope.values[i] += more.values[i];
    }
    add_slope_origin(branch, in, d_slope, kv, out);
  }
  return delta;
}

}  // namespace vidattn
