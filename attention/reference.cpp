#include "attention/reference.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/backward/recomputes.h"
#include "attention/backward/reference.h"
#include "attention/cancel.h"
#include "attention/lowbit/plain.h"
#include "attention/parallel.h"
#include "attention/terms/joined.h"
#include "attention/terms/row_index.h"

namespace vidattn {
namespace {

struct Row {
  double lse = -INFINITY, mass = 0;
};

/// What a head's queries attend with in a branch.
struct HeadOperands {
  const Branch& branch;
  const Tensor &q, &k, &v;
  int64_t head, kv_head;
  double scale;
  const Tensor& given_q;  ///< unrounded, where q is rounded to low bits
  const PlainLowBits& low;
};

/// Adds scale * S^T q to a result, for the slope S of the values. `query` is unrounded.
void add_slope(const HeadOperands& at, const std::vector<float>& query, double* o) {
  const Tensor& slope = *at.branch.value_slope;
  for (int64_t d = 0; d < at.q.dim(); ++d)
    for (int64_t c = 0; c < at.v.dim(); ++c)
      o[c] += at.scale * double{query[d]} * double{slope.row(d, at.kv_head)[c]};
}

/// Softmax attention of one query over the listed keys; writes the result to `o`, zeros before.
Row attend_row(const HeadOperands& at, int64_t query, const std::vector<int64_t>& keys, double* o) {
  Row row;
  if (keys.empty()) return row;
  const int64_t dim = at.q.dim();
  std::vector<float> query_row(dim), key_row(dim), value_row(at.v.dim());
  at.q.read_row(query, at.head, query_row.data());
  std::vector<double> score(keys.size());
  double highest = -INFINITY;
  for (size_t j = 0; j < keys.size(); ++j) {
    at.k.read_row(keys[j], at.kv_head, key_row.data());
    double dot = 0;
    for (int64_t c = 0; c < dim; ++c) dot += double{query_row[c]} * double{key_row[c]};
    score[j] = dot * at.scale;
    if (at.branch.key_bias) score[j] += double{(*at.branch.key_bias)[keys[j]]};
    highest = std::max(highest, score[j]);
  }
  double sum = 0;
  for (double s : score) sum += std::exp(s - highest);
  row.lse = highest + std::log(sum);
  for (size_t j = 0; j < keys.size(); ++j) {
    const double p = std::exp(score[j] - row.lse);
    row.mass += p;
    at.v.read_row(keys[j], at.kv_head, value_row.data());
    for (int64_t c = 0; c < at.v.dim(); ++c) o[c] += p * double{value_row[c]};
  }
  at.given_q.read_row(query, at.head, query_row.data());
  if (at.branch.value_slope) add_slope(at, query_row, o);
  row.lse += at.low.lse_offset(query_row, at.kv_head, at.scale);
  return row;
}

/// Branch, token and channel weight of one token's head.
std::vector<double> output_weight(const Branch& branch, const Inputs& in, int64_t token,
                                  int64_t head) {
  const int64_t dim = in.value_dim();
  std::vector<double> weight(dim, branch.weight_of(token, head, in.length(), in.heads()));
  if (!branch.channel_weight) return weight;
  const auto& gate = branch.channel_weight->as<float>("channel weight");
  for (int64_t c = 0; c < dim; ++c) weight[c] *= gate[(token * in.heads() + head) * dim + c];
  return weight;
}

/// What one branch gives for some tokens, without its weights.
struct BranchRows {
  std::vector<double> o, lse, mass;  ///< [tokens,H,DV], [tokens,H], [tokens,H]
};

BranchRows attend_branch(const Branch& branch, const Inputs& in,
                         const std::vector<int64_t>& tokens) {
  const Attended given = branch.operands(in);
  const PlainLowBits low(branch, in);
  const Attended operands = low.q ? Attended{*low.q, *low.k, *low.v} : given;
  const int64_t heads = in.heads(), rows = std::ssize(tokens) * heads;
  BranchRows result{std::vector<double>(rows * in.value_dim()), std::vector<double>(rows),
                    std::vector<double>(rows)};
  std::vector<RowIndex> index;
  for (const HeadTable& table : branch.tables) index.emplace_back(table, operands.q.length());
  const auto attend_token = [&](int64_t i) {
    for (int64_t h = 0; h < heads; ++h) {
      const size_t t = branch.table_index(h, heads);
      const int64_t row = result_row(branch, t, tokens[i]);
      std::vector<int64_t> keys;
      if (row >= 0) append_keys(branch.tables[t], index[t], row, keys);
      const HeadOperands at{branch,
                            operands.q,
                            operands.k,
                            operands.v,
                            h,
                            h / (heads / operands.k.heads()),
                            in.softmax_scale(),
                            given.q,
                            low};
      const Row attended = attend_row(at, row, keys, &result.o[(i * heads + h) * in.value_dim()]);
      result.lse[i * heads + h] = attended.lse;
      result.mass[i * heads + h] = attended.mass;
    }
  };
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
  for (int64_t i = 0; i < std::ssize(tokens); ++i)
    errors.catching([&] {
      throw_if_cancelled();
      attend_token(i);
    });
  errors.rethrow();
  return result;
}

/// Adds the branches of one softmax to `o`, merged by their LSE, with the weights of the first.
void add_branches(const Branch& weights, const std::vector<BranchRows>& parts, const Inputs& in,
                  const std::vector<int64_t>& tokens, std::vector<double>& o) {
  const int64_t heads = in.heads(), dim = in.value_dim();
  for (int64_t i = 0; i < std::ssize(tokens); ++i)
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t at = i * heads + h;
      double all = -INFINITY;
      for (const BranchRows& part : parts) all = add_lse(all, part.lse[at]);
      if (std::isinf(all)) continue;
      const std::vector<double> weight = output_weight(weights, in, tokens[i], h);
      for (const BranchRows& part : parts)
        for (int64_t c = 0; c < dim; ++c)
          o[at * dim + c] += weight[c] * std::exp(part.lse[at] - all) * part.o[at * dim + c];
    }
}

/// Linear attention of one query, projected and with its bias; adds it to `o`.
void add_linear_row(const LinearTerm& term, const Inputs& in, int64_t token, int64_t head,
                    double* o) {
  const int64_t dim = in.value_dim(), kv_head = in.kv_head(head);
  std::vector<float> q(term.q->dim()), k(term.k->dim()), v(dim);
  std::vector<double> sum(dim);
  term.q->read_row(token, head, q.data());
  double total = double{term.epsilon};
  for (int64_t j = 0; j < in.keys(); ++j) {
    term.k->read_row(j, kv_head, k.data());
    in.v->read_row(j, kv_head, v.data());
    double dot = 0;
    for (size_t f = 0; f < q.size(); ++f) dot += double{q[f]} * double{k[f]};
    total += dot;
    for (int64_t c = 0; c < dim; ++c) sum[c] += dot * double{v[c]};
  }
  for (int64_t c = 0; c < dim; ++c) {
    double value = sum[c] / total;
    if (!term.projection.empty()) {
      value = 0;
      for (int64_t e = 0; e < dim; ++e)
        value += double{term.projection[c * dim + e]} * sum[e] / total;
    }
    o[c] += value + (term.bias.empty() ? 0 : double{term.bias[c]});
  }
}

void add_linear(const LinearTerm& term, const Inputs& in, const std::vector<int64_t>& tokens,
                std::vector<double>& o) {
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
  for (int64_t i = 0; i < std::ssize(tokens); ++i)
    errors.catching([&] {
      for (int64_t h = 0; h < in.heads(); ++h)
        add_linear_row(term, in, tokens[i], h, &o[(i * in.heads() + h) * in.value_dim()]);
    });
  errors.rethrow();
}

class ReferenceDevice : public Device, public RecomputesSoftmax {
 public:
  std::string name() const override { return "reference"; }
  std::string title() const override {
    return "float64, plain loops: the oracle that every other device is checked against";
  }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    shape_output(plan, in, out);
    const ReferenceRows rows = reference_rows(plan, in, {});
    const int64_t dim = in.value_dim();
    std::vector<float> values(dim);
    for (int64_t i = 0; i < in.length(); ++i)
      for (int64_t h = 0; h < in.heads(); ++h) {
        const double* o = &rows.o[(i * in.heads() + h) * dim];
        std::copy(o, o + dim, values.begin());
        out.o.write_row(i, h, values.data());
      }
    for (size_t b = 0; b < rows.lse.size(); ++b)
      std::copy(rows.lse[b].begin(), rows.lse[b].end(), out.lse[b].begin());
  }
  bool has_backward() const override { return true; }
  void backward(const Plan& plan, const Inputs& in, const Output&, const Tensor& d_o,
                Gradients& out) const override {
    reference_backward(plan, in, d_o, out);
  }
};

const RegisterDevice<ReferenceDevice> registered_reference;

}  // namespace

ReferenceRows reference_rows(const Plan& plan, const Inputs& in,
                             const std::vector<int64_t>& tokens) {
  std::vector<int64_t> all(tokens.empty() ? in.length() : 0);
  std::iota(all.begin(), all.end(), 0);
  const auto& chosen = tokens.empty() ? all : tokens;
  const int64_t rows = static_cast<int64_t>(chosen.size()) * in.heads(), dim = in.value_dim();
  ReferenceRows result;
  result.o.resize(rows * dim);
  for (size_t b = 0; b < plan.branches.size();) {
    std::vector<BranchRows> parts;
    const auto [first, last] = joined_with(plan, b);
    for (; b < last; ++b) parts.push_back(attend_branch(plan.branches[b], in, chosen));
    add_branches(plan.branches[first], parts, in, chosen, result.o);
    for (BranchRows& part : parts) {
      result.lse.push_back(std::move(part.lse));
      result.mass.push_back(std::move(part.mass));
    }
  }
  for (const LinearTerm& term : plan.linear) add_linear(term, in, chosen, result.o);
  if (plan.constant)
    for (size_t i = 0; i < chosen.size(); ++i)
      for (int64_t h = 0; h < in.heads(); ++h)
        for (int64_t c = 0; c < dim; ++c)
          result.o[(i * in.heads() + h) * dim + c] += plan.constant->at(chosen[i], h, c);
  return result;
}

std::vector<int64_t> visible_keys(const Branch& branch, const Inputs& in, int64_t token,
                                  int64_t head) {
  const size_t t = branch.table_index(head, in.heads());
  const HeadTable& table = branch.tables[t];
  const int64_t row = result_row(branch, t, token);
  std::vector<int64_t> keys;
  for (size_t s = 0; s < table.segments.size(); ++s)
    for (int32_t p = table.segments[s].query_begin; p < table.segments[s].query_end; ++p)
      if (table.query_row(p) == row) append_keys(table, {static_cast<int32_t>(s), p}, keys);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace vidattn
