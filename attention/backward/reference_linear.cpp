#include "attention/backward/reference_linear.h"

#include <algorithm>

#include "attention/terms/features.h"

namespace vidattn {
namespace {

using Row = std::vector<double>;

/// One query head: its keys' sums, and their gradients.
class LinearHeadSums {
 public:
  LinearHeadSums(const LinearTerm& term, const Inputs& in, int64_t head, LinearSums& out)
      : term_(term),
        in_(in),
        head_(head),
        kv_head_(in.kv_head(head)),
        features_(term.q->dim()),
        dim_(in.value_dim()),
        state_(features_ * dim_),
        total_(features_),
        d_state_(features_ * dim_),
        d_total_(features_),
        out_(out) {
    for (int64_t j = 0; j < in.keys(); ++j) {
      const Row key = row_of(*term_.k, j, kv_head_), value = row_of(*in.v, j, kv_head_);
      for (int64_t f = 0; f < features_; ++f) {
        total_[f] += key[f];
        for (int64_t c = 0; c < dim_; ++c) state_[f * dim_ + c] += key[f] * value[c];
      }
    }
  }

  void add_query(int64_t i, const Tensor& d_o) {
    const Row d = row_of(d_o, i, head_), query = row_of(*term_.q, i, head_);
    if (std::all_of(d.begin(), d.end(), [](double value) { return value == 0; })) return;
    Row result(dim_), d_result(dim_);
    double denominator = term_.epsilon;
    for (int64_t f = 0; f < features_; ++f) {
      denominator += query[f] * total_[f];
      for (int64_t c = 0; c < dim_; ++c) result[c] += query[f] * state_[f * dim_ + c];
    }
    for (double& value : result) value /= denominator;
    for (int64_t r = 0; r < dim_; ++r) {
      if (!term_.bias.empty()) out_.bias[r] += d[r];
      if (term_.projection.empty()) d_result[r] = d[r];
      for (int64_t c = 0; c < dim_ && !term_.projection.empty(); ++c) {
        out_.projection[r * dim_ + c] += d[r] * result[c];
        d_result[c] += d[r] * term_.projection[r * dim_ + c];
      }
    }
    add_sums(i, query, result, d_result, denominator);
  }

  void add_keys() {
    for (int64_t j = 0; j < in_.keys(); ++j) {
      const Row key = row_of(*term_.k, j, kv_head_), value = row_of(*in_.v, j, kv_head_);
      Row d = d_total_;
      for (int64_t f = 0; f < features_; ++f)
        for (int64_t c = 0; c < dim_; ++c) {
          d[f] += d_state_[f * dim_ + c] * value[c];
          out_.v[in_.v->offset(j, kv_head_) + c] += d_state_[f * dim_ + c] * key[f];
        }
      add_row(*term_.k, j, kv_head_, std::move(d), out_.k);
    }
  }

 private:
  void add_sums(int64_t i, const Row& query, const Row& result, const Row& d_result,
                double denominator) {
    double d_denominator = 0;
    for (int64_t c = 0; c < dim_; ++c) d_denominator -= d_result[c] * result[c] / denominator;
    Row d(features_);
    for (int64_t f = 0; f < features_; ++f) {
      d[f] = d_denominator * total_[f];
      d_total_[f] += d_denominator * query[f];
      for (int64_t c = 0; c < dim_; ++c) {
        d[f] += d_result[c] / denominator * state_[f * dim_ + c];
        d_state_[f * dim_ + c] += d_result[c] / denominator * query[f];
      }
    }
    add_row(*term_.q, i, head_, std::move(d), out_.q);
  }

  /// Adds the gradient of a row of features to that of the row that they are of.
  void add_row(const Tensor& features, int64_t token, int64_t head, Row d, Row& to) const {
    pass_features(term_.map, features.row(token, head), features_, d.data());
    for (int64_t f = 0; f < features_; ++f) to[features.offset(token, head) + f] += d[f];
  }

  const LinearTerm& term_;
  const Inputs& in_;
  int64_t head_, kv_head_, features_, dim_;
  Row state_, total_, d_state_, d_total_;  ///< [F,DV], [F]
  LinearSums& out_;
};

}  // namespace

std::vector<double> row_of(const Tensor& tensor, int64_t token, int64_t head) {
  std::vector<float> row(tensor.dim());
  tensor.read_row(token, head, row.data());
  return {row.begin(), row.end()};
}

LinearSums linear_sums(const LinearTerm& term, const Inputs& in, const Tensor& d_o) {
  LinearSums sums{Row(in.q->size()), Row(in.k->size()), Row(in.v->size()),
                  Row(term.projection.size()), Row(term.bias.size())};
  for (int64_t h = 0; h < in.heads(); ++h) {
    LinearHeadSums head(term, in, h, sums);
    for (int64_t i = 0; i < in.length(); ++i) head.add_query(i, d_o);
    head.add_keys();
  }
  return sums;
}

}  // namespace vidattn
