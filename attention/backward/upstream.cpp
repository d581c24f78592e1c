#include "attention/backward/upstream.h"

#include <cmath>
#include <numbers>

#include "attention/backward/kept.h"
#include "attention/terms/joined.h"
#include "attention/terms/row_index.h"

namespace vidattn {
namespace {

class WeightPass {
 public:
  WeightPass(const Branch& branch, const Inputs& in, const Tensor& result, const Tensor& d_o,
             const std::vector<float>& lse, BranchGradients& out)
      : branch_(branch), in_(in), result_(result), d_o_(d_o), lse_(lse), out_(out) {
    up_.rows = branch.operands(in).q.length();
    up_.delta.resize(up_.rows * in.heads());
    up_.lse.resize(up_.rows * in.heads(), kLseWithoutKeys);
    direct_ = branch.weight == 1 && !branch.token_weight && !branch.channel_weight &&
              branch.output_map.empty();
    if (!direct_) up_.own = Tensor(up_.rows, in.heads(), in.value_dim());
    up_.values = direct_ ? d_o.data<float>() : up_.own.data<float>();
    if (branch.channel_weight) gate_ = branch.channel_weight->as<float>("channel weight").data();
    sums_.resize(in.length() * in.heads());
  }

  Upstream run() && {
    const int64_t length = in_.length(), heads = in_.heads();
    // With an output map, tokens share rows: a head is the work of one thread.
    if (branch_.output_map.empty()) {
#pragma omp parallel for schedule(static)
      for (int64_t i = 0; i < length; ++i)
        for (int64_t h = 0; h < heads; ++h) pass(i, h);
    } else {
#pragma omp parallel for schedule(static)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t i = 0; i < length; ++i) pass(i, h);
    }
    sum_weights();
    return std::move(up_);
  }

 private:
  void pass(int64_t token, int64_t head) {
    const int64_t heads = in_.heads(), dim = in_.value_dim(), at = token * heads + head;
    const int64_t row = result_row(branch_, branch_.table_index(head, heads), token);
    if (row < 0 || std::isinf(lse_[at])) return;
    const float *d = d_o_.row(token, head), *o = result_.row(token, head);
    const float factor = branch_.weight_of(token, head, in_.length(), heads);
    const float* gate = gate_ == nullptr ? nullptr : gate_ + at * dim;
    float* of_gate = gate_ == nullptr ? nullptr : &out_.channel_weight[at * dim];
    float* to = direct_ ? nullptr : up_.own.row(row, head);
    double sum = 0;
    for (int64_t c = 0; c < dim; ++c) {
      const float gated = gate == nullptr ? d[c] : gate[c] * d[c];
      sum += double{gated} * double{o[c]};
      if (of_gate != nullptr) of_gate[c] = factor * d[c] * o[c];
      if (to != nullptr) to[c] += factor * gated;
    }
    sums_[at] = sum;
    up_.delta[row * heads + head] += static_cast<float>(factor * sum);
    up_.lse[row * heads + head] = lse_[at] * std::numbers::log2e_v<float>;
  }

  /// In the order of tokens, whoever computed them.
  void sum_weights() {
    const int64_t length = in_.length(), heads = in_.heads();
    const bool per_head = std::ssize(out_.token_weight) != length;
    for (int64_t i = 0; i < length; ++i)
      for (int64_t h = 0; h < heads; ++h) {
        const double sum = sums_[i * heads + h];
        const int64_t at = per_head ? i * heads + h : i;
        if (branch_.token_weight) out_.token_weight[at] += static_cast<float>(branch_.weight * sum);
        out_.weight += branch_.token_weight ? (*branch_.token_weight)[at] * sum : sum;
      }
  }

  const Branch& branch_;
  const Inputs& in_;
  const Tensor &result_, &d_o_;
  const std::vector<float>& lse_;
  BranchGradients& out_;
  const float* gate_ = nullptr;
  bool direct_;
  std::vector<double> sums_;
  Upstream up_;
};

}  // namespace

Upstream pass_weights(const Plan& plan, size_t first, const Inputs& in, const Output& kept,
                      const Tensor& d_o, BranchGradients& out) {
  const Tensor& softmax = kept_softmax(plan, in, kept, first);
  const std::vector<float> lse = joined_lse(plan, kept, first);
  const Branch& branch = plan.branches[first];
  if (branch.token_weight) branch.token_weight->host();  // not by threads that hold no lock
  return WeightPass(branch, in, softmax, d_o, lse, out).run();
}

void round_upstream(const Plan& plan, size_t first, const Inputs& in, const Output& kept,
                    Upstream& upstream) {
  const Branch& branch = plan.branches[first];
  const Tensor& result = kept_softmax(plan, in, kept, first);
  const int64_t heads = in.heads(), dim = in.value_dim();
  Tensor rounded(upstream.rows, heads, dim);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < upstream.rows * heads * dim; ++i)
    rounded.data<float>()[i] = static_cast<float>(BFloat16(upstream.values[i]));
#pragma omp parallel for schedule(static)
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t token = 0; token < in.length(); ++token) {
      const int64_t row = result_row(branch, branch.table_index(h, heads), token);
      if (row < 0 || upstream.lse[row * heads + h] == kLseWithoutKeys) continue;
      double sum = 0;
      for (int64_t c = 0; c < dim; ++c)
        sum += double{rounded.row(row, h)[c]} * double{result.row(token, h)[c]};
      upstream.delta[row * heads + h] = static_cast<float>(sum);
    }
  upstream.own = std::move(rounded);
  upstream.values = upstream.own.data<float>();
}

}  // namespace vidattn
