#include "attention/cpu/output.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>

#include "attention/parallel.h"
#include "attention/terms/joined.h"

namespace vidattn::cpu {

void start_output(const Plan& plan, const Inputs& in, Output& out) {
  shape_output(plan, in, out);
  for (auto& lse : out.lse)
    std::fill(lse.begin(), lse.end(), -std::numeric_limits<float>::infinity());
  const int64_t row = in.heads() * out.o.dim();
  const auto steps = static_cast<double>(in.length() * row);
#pragma omp parallel for schedule(static) num_threads(threads_for(steps))
  for (int64_t token = 0; token < in.length(); ++token) {
    for (int64_t h = 0; h < in.heads() && plan.constant; ++h)
      out.o.write_row(token, h, plan.constant->row(token, h));
    if (!plan.constant)
      std::memset(out.o.data<char>() + token * row * size_of(out.o.dtype()), 0,
                  row * size_of(out.o.dtype()));
  }
}

BranchOutput::Targets::Targets(const std::vector<int32_t>& map, int64_t query_rows)
    : first(query_rows + 1) {
  for (int32_t row : map)
    if (row >= 0) ++first[row + 1];
  std::partial_sum(first.begin(), first.end(), first.begin());
  tokens.resize(first.back());
  std::vector<int32_t> next(first.begin(), first.end() - 1);
  for (size_t token = 0; token < map.size(); ++token)
    if (map[token] >= 0) tokens[next[map[token]]++] = static_cast<int32_t>(token);
}

BranchOutput::BranchOutput(const Branch& branch, const Inputs& in, int64_t query_rows, Tensor& o,
                           std::vector<float>& lse, std::vector<float>* joined,
                           const std::vector<float>& lse_offset)
    : branch_(branch), in_(in), o_(o), lse_(lse), joined_(joined), lse_offset_(lse_offset) {
  if (branch.channel_weight) gate_ = &branch.channel_weight->as<float>("channel weight");
  for (const auto& map : branch.output_map) targets_.emplace_back(map, query_rows);
}

void BranchOutput::write(int64_t head, int64_t row, const RowStates& states, int64_t state) const {
  const float sum = states.sum[state];
  if (sum == 0) return;
  float lse = (states.max[state] + std::log2(sum)) * std::numbers::ln2_v<float>;
  if (!lse_offset_.empty()) lse += lse_offset_[row * in_.heads() + head];
  const RowWrite result{states.acc + state * o_.dim(), 1 / sum, nullptr, &o_, 0, head};
  if (targets_.empty()) return write_token(head, row, lse, result);
  const Targets& targets = targets_[branch_.table_index(head, in_.heads())];
  for (int32_t i = targets.first[row]; i < targets.first[row + 1]; ++i)
    write_token(head, targets.tokens[i], lse, result);
}

void BranchOutput::write_token(int64_t head, int64_t token, float lse, RowWrite row) const {
  const int64_t at = token * in_.heads() + head;
  lse_[at] = lse;
  row.token = token;
  row.weight *= branch_.weight_of(token, head, in_.length(), in_.heads());
  if (joined_ != nullptr) {
    const float before = (*joined_)[at], all = add_lse(before, lse);
    row.keep = std::exp(before - all);
    row.weight *= std::exp(lse - all);
    (*joined_)[at] = all;
  }
  if (gate_) row.gate = gate_->data() + o_.offset(token, head);
  add_row(row);
}

}  // namespace vidattn::cpu
