#include "attention/backward/reference.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "attention/backward/reference_linear.h"
#include "attention/cancel.h"
#include "attention/parallel.h"
#include "attention/terms/joined.h"
#include "attention/terms/row_index.h"

namespace vidattn {
namespace {

using Doubles = std::vector<double>;

double dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (size_t c = 0; c < a.size(); ++c) sum += a[c] * b[c];
  return sum;
}

void add_scaled(double factor, const Doubles& row, double* to) {
  for (size_t c = 0; c < row.size(); ++c) to[c] += factor * row[c];
}

/// Gradients of what one query head of a branch attends with.
struct HeadSums {
  Doubles q, k, v, bias;  ///< [rows,D], [keys,D], [keys,DV], [keys]
  Doubles slope;          ///< [D,DV], of the values' slope
};

/// One token's share of a branch's softmax: its keys with their scores.
struct Share {
  int64_t row = -1;
  std::vector<int64_t> keys;
  Doubles score;
  double lse = -INFINITY;
};

/// One query head of the branches that share a softmax.
class HeadBackward {
 public:
  HeadBackward(const Plan& plan, size_t first, size_t last, const Inputs& in, const Tensor& d_o,
               int64_t head)
      : plan_(plan), first_(first), in_(in), d_o_(d_o), head_(head), sums(last - first) {
    for (size_t b = first; b < last; ++b) {
      const Branch& branch = plan.branches[b];
      const Attended at = branch.operands(in);
      index_.emplace_back(branch.table(head, in.heads()), at.q.length());
      HeadSums& sum = sums[b - first];
      sum.q.resize(at.q.length() * at.q.dim());
      sum.k.resize(at.k.length() * at.k.dim());
      sum.v.resize(at.v.length() * at.v.dim());
      sum.bias.resize(branch.key_bias ? at.k.length() : 0);
      if (branch.value_slope) sum.slope.resize(at.k.dim() * at.v.dim());
    }
  }

  void run() {
    for (int64_t token = 0; token < in_.length(); ++token) {
      throw_if_cancelled();
      add_token(token);
    }
  }

 private:
  const Plan& plan_;
  size_t first_;
  const Inputs& in_;
  const Tensor& d_o_;
  int64_t head_;
  std::vector<RowIndex> index_;

 public:
  std::vector<HeadSums> sums;  ///< by branch
  Doubles token;               ///< [L], gradient of the token weight
  Doubles channel;             ///< [L,DV], of the channel weight
  double weight = 0;           ///< of the branch's weight

 private:
  int64_t kv_head(const Attended& at) const { return head_ / (in_.heads() / at.k.heads()); }

  Share share_of(size_t b, int64_t token) const {
    const Branch& branch = plan_.branches[first_ + b];
    const Attended at = branch.operands(in_);
    const size_t t = branch.table_index(head_, in_.heads());
    Share share{result_row(branch, t, token)};
    if (share.row < 0) return share;
    append_keys(branch.tables[t], index_[b], share.row, share.keys);
    const Doubles query = row_of(at.q, share.row, head_);
    for (const int64_t key : share.keys) {
      double s = dot(query, row_of(at.k, key, kv_head(at))) * in_.softmax_scale();
      if (branch.key_bias) s += double{(*branch.key_bias)[key]};
      share.score.push_back(s);
      share.lse = add_lse(share.lse, s);
    }
    return share;
  }

  /// scale * S^T q, which a slope S adds to the values that a query sees; empty without.
  Doubles added_value(size_t b, const Share& share) const {
    const Branch& branch = plan_.branches[first_ + b];
    if (!branch.value_slope || share.keys.empty()) return {};
    const Attended at = branch.operands(in_);
    const Doubles query = row_of(at.q, share.row, head_);
    Doubles added(in_.value_dim());
    for (int64_t d = 0; d < at.q.dim(); ++d)
      add_scaled(in_.softmax_scale() * query[d], row_of(*branch.value_slope, d, kv_head(at)),
                 added.data());
    return added;
  }

  Doubles value_of(const Attended& at, int64_t key, const Doubles& added) const {
    Doubles value = row_of(at.v, key, kv_head(at));
    for (size_t c = 0; c < added.size(); ++c) value[c] += added[c];
    return value;
  }

  /// The softmax's result, of which the gates are factors.
  Doubles result_of(const std::vector<Share>& shares, double lse) const {
    Doubles o(in_.value_dim());
    for (size_t b = 0; b < shares.size(); ++b) {
      const Attended at = plan_.branches[first_ + b].operands(in_);
      const Doubles added = added_value(b, shares[b]);
      for (size_t j = 0; j < shares[b].keys.size(); ++j)
        add_scaled(std::exp(shares[b].score[j] - lse), value_of(at, shares[b].keys[j], added),
                   o.data());
    }
    return o;
  }

  /// Gradients of the gates; turns the gradient of the output into that of the softmax's result.
  void pass_gates(int64_t token_at, const Doubles& o, Doubles& d) {
    const Branch& branch = plan_.branches[first_];
    const int64_t length = in_.length(), heads = in_.heads(), dim = in_.value_dim();
    const double of_branch = branch.weight;
    const double of_token = branch.token_weight
                                ? (*branch.token_weight)[std::ssize(*branch.token_weight) == length
                                                             ? token_at
                                                             : token_at * heads + head_]
                                : 1.0;
    double sum = 0;
    for (int64_t c = 0; c < dim; ++c) {
      const int64_t at = (token_at * heads + head_) * dim + c;
      const double gate =
          branch.channel_weight ? branch.channel_weight->as<float>("channel weight")[at] : 1.0;
      if (branch.channel_weight) channel[token_at * dim + c] = of_branch * of_token * d[c] * o[c];
      sum += gate * d[c] * o[c];
      d[c] *= of_branch * of_token * gate;
    }
    if (branch.token_weight) token[token_at] = of_branch * sum;
    weight += of_token * sum;
  }

  void add_slope(size_t b, const Doubles& query, double share, const Doubles& d, int64_t row) {
    const Tensor& slope = *plan_.branches[first_ + b].value_slope;
    const int64_t dim = std::ssize(query), value_dim = std::ssize(d);
    const int64_t kv = head_ / (in_.heads() / slope.heads());
    const double scale = in_.softmax_scale() * share;
    for (int64_t c = 0; c < dim; ++c) {
      sums[b].q[row * dim + c] += scale * dot(row_of(slope, c, kv), d);
      add_scaled(scale * query[c], d, &sums[b].slope[c * value_dim]);
    }
  }

  void add_share(size_t b, const Share& share, double lse, const Doubles& d, double delta) {
    const Attended at = plan_.branches[first_ + b].operands(in_);
    HeadSums& sum = sums[b];
    const double scale = in_.softmax_scale();
    const int64_t dim = at.q.dim(), value_dim = at.v.dim();
    if (share.keys.empty()) return;
    const Doubles query = row_of(at.q, share.row, head_), added = added_value(b, share);
    if (!added.empty()) add_slope(b, query, std::exp(share.lse - lse), d, share.row);
    for (size_t j = 0; j < share.keys.size(); ++j) {
      const int64_t key = share.keys[j];
      const double p = std::exp(share.score[j] - lse);
      const double ds = p * (dot(d, value_of(at, key, added)) - delta);
      add_scaled(p, d, &sum.v[key * value_dim]);
      add_scaled(scale * ds, row_of(at.k, key, kv_head(at)), &sum.q[share.row * dim]);
      add_scaled(scale * ds, query, &sum.k[key * dim]);
      if (!sum.bias.empty()) sum.bias[key] += ds;
    }
  }

  void add_token(int64_t token_at) {
    if (plan_.branches[first_].token_weight) token.resize(in_.length());
    if (plan_.branches[first_].channel_weight) channel.resize(in_.length() * in_.value_dim());
    Doubles d = row_of(d_o_, token_at, head_);
    if (std::all_of(d.begin(), d.end(), [](double value) { return value == 0; })) return;
    std::vector<Share> shares;
    double lse = -INFINITY;
    for (size_t b = 0; b < sums.size(); ++b) {
      shares.push_back(share_of(b, token_at));
      lse = add_lse(lse, shares.back().lse);
    }
    if (std::isinf(lse)) return;
    const Doubles o = result_of(shares, lse);
    pass_gates(token_at, o, d);
    const double delta = dot(d, o);
    for (size_t b = 0; b < shares.size(); ++b) add_share(b, shares[b], lse, d, delta);
  }
};

/// What keys and values get through a slope that is of these sets of them, from its gradient:
/// S = sum over sets of sum_j (k_j - mean k) v_j^T / LK.
void add_slope_origin(const PoolingMap& map, const Inputs& in, int64_t kv, const Doubles& slope,
                      Doubles& k, Doubles& v) {
  const int64_t dim = in.dim(), value_dim = in.value_dim();
  const double share = 1.0 / static_cast<double>(in.keys());
  for (int64_t r = 0; r < map.rows(); ++r) {
    Doubles key_mean(dim), value_mean(value_dim);
    for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i) {
      add_scaled(map.weight_at(r, i), row_of(*in.k, (*map.tokens)[i], kv), key_mean.data());
      add_scaled(map.weight_at(r, i), row_of(*in.v, (*map.tokens)[i], kv), value_mean.data());
    }
    for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i) {
      const int64_t j = (*map.tokens)[i];
      const Doubles key = row_of(*in.k, j, kv), value = row_of(*in.v, j, kv);
      for (int64_t d = 0; d < dim; ++d)
        for (int64_t c = 0; c < value_dim; ++c) {
          const double of_slope = share * slope[d * value_dim + c];
          k[in.k->offset(j, kv) + d] += of_slope * (value[c] - value_mean[c]);
          v[in.v->offset(j, kv) + c] += of_slope * (key[d] - key_mean[d]);
        }
    }
  }
}

/// Gradient of one of q, k, v in float64, until all branches, terms and heads have added theirs.
struct Total {
  const Tensor& own;
  Doubles sum = Doubles(own.size());

  /// Adds one head's gradient of the operand that a branch attends with.
  void add(const Doubles& rows, const PoolingMaps& maps, int64_t head) {
    const int64_t dim = own.dim(), stride = own.heads() * dim;
    double* to = &sum[head * dim];
    if (maps) {
      const PoolingMap& map = (*maps)[head * maps->size() / own.heads()];
      return unpool(map, rows.data(), dim, dim, to, stride);
    }
    for (int64_t i = 0; i < own.length(); ++i)
      for (int64_t c = 0; c < dim; ++c) to[i * stride + c] += rows[i * dim + c];
  }
  void add(const Doubles& all) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += all[i];
  }
  void store(Tensor& to) const { std::copy(sum.begin(), sum.end(), to.data<float>()); }
};

/// Adds one head's gates to a branch's gradients.
void add_gates(const HeadBackward& part, int64_t head, const Inputs& in, BranchGradients& out) {
  const int64_t heads = in.heads(), dim = in.value_dim();
  out.weight += part.weight;
  const bool per_head = std::ssize(out.token_weight) != in.length();
  for (int64_t i = 0; i < std::ssize(part.token); ++i)
    out.token_weight[per_head ? i * heads + head : i] += static_cast<float>(part.token[i]);
  for (int64_t i = 0; i < std::ssize(part.channel); ++i)
    out.channel_weight[(i / dim * heads + head) * dim + i % dim] =
        static_cast<float>(part.channel[i]);
}

}  // namespace

void reference_backward(const Plan& plan, const Inputs& in, const Tensor& d_o, Gradients& out) {
  check_backward(plan, in, d_o);
  start_gradients(plan, in, out);
  Total q{*in.q}, k{*in.k}, v{*in.v};
  for (size_t b = 0; b < plan.branches.size();) {
    const auto [first, last] = joined_with(plan, b);
    std::vector<HeadBackward> parts;
    for (int64_t h = 0; h < in.heads(); ++h) parts.emplace_back(plan, first, last, in, d_o, h);
    RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
    for (int64_t h = 0; h < in.heads(); ++h) errors.catching([&] { parts[h].run(); });
    errors.rethrow();
    for (int64_t h = 0; h < in.heads(); ++h) {
      add_gates(parts[h], h, in, out.branches[first]);
      for (size_t i = first; i < last; ++i) {
        const HeadSums& sums = parts[h].sums[i - first];
        const Operands& from = plan.branches[i].prepared;
        q.add(sums.q, from.q_from, h);
        k.add(sums.k, from.k_from, in.kv_head(h));
        v.add(sums.v, from.v_from, in.kv_head(h));
        if (const PoolingMaps& sets = plan.branches[i].slope_from)
          add_slope_origin((*sets)[in.kv_head(h) * sets->size() / in.kv_heads()], in, in.kv_head(h),
                           sums.slope, k.sum, v.sum);
        for (size_t j = 0; j < sums.bias.size(); ++j)
          out.branches[i].key_bias[j] += static_cast<float>(sums.bias[j]);
      }
    }
    b = last;
  }
  for (size_t t = 0; t < plan.linear.size(); ++t) {
    const LinearSums sums = linear_sums(plan.linear[t], in, d_o);
    q.add(sums.q);
    k.add(sums.k);
    v.add(sums.v);
    std::copy(sums.projection.begin(), sums.projection.end(), out.linear[t].projection.begin());
    std::copy(sums.bias.begin(), sums.bias.end(), out.linear[t].bias.begin());
  }
  q.store(out.q);
  k.store(out.k);
  v.store(out.v);
}

}  // namespace vidattn
