#include "metrics/plan/ceiling.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>

#include "attention/blas.h"
#include "attention/cancel.h"
#include "attention/parallel.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {
namespace {

/// Rows [begin, end) of a tensor's head as float32.
std::vector<float> head_rows(const Tensor& tensor, int64_t head, int64_t begin, int64_t end) {
  const int64_t dim = tensor.dim();
  std::vector<float> rows((end - begin) * dim);
  for (int64_t i = begin; i < end; ++i) tensor.read_row(i, head, &rows[(i - begin) * dim]);
  return rows;
}

/// Scores of a head's queries [begin, end), [end - begin, LK].
std::vector<float> query_scores(const Inputs& in, int64_t head, int64_t begin, int64_t end) {
  constexpr int64_t kKeys = 4096;  // converted at a time
  const int64_t rows = end - begin, dim = in.dim();
  const std::vector<float> q = head_rows(*in.q, head, begin, end);
  std::vector<float> scores(rows * in.keys());
  for (int64_t first = 0; first < in.keys(); first += kKeys) {
    const int64_t last = std::min(in.keys(), first + kKeys);
    const std::vector<float> k = head_rows(*in.k, in.kv_head(head), first, last);
    gemm_nt(rows, last - first, dim, q.data(), dim, k.data(), dim, &scores[first], in.keys(),
            static_cast<float>(in.softmax_scale()));
  }
  return scores;
}

/// Turns scores into probabilities; returns their log-sum-exp.
double normalize_scores(std::span<float> row) {
  const double high = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float s : row) sum += std::exp(s - high);
  const double lse = high + std::log(sum);
  for (float& s : row) s = static_cast<float>(std::exp(s - lse));
  return lse;
}

/// Adds share times the running sums of the values, which are sorted to fall.
void add_running_sums(std::span<float> values, double share, std::vector<double>& curve) {
  std::sort(values.begin(), values.end(), std::greater<>());
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) curve[i + 1] += share * (sum += values[i]);
}

/// The same of blocks of keys by their mass; the last one may be short.
void add_block_sums(const std::vector<double>& mass, int64_t keys, double share,
                    std::vector<double>& curve) {
  std::vector<int64_t> order(mass.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return mass[a] > mass[b]; });
  double sum = 0;
  size_t at = 0;
  for (const int64_t b : order) {
    const int64_t size = std::min(RecallCeiling::kBlock, keys - b * RecallCeiling::kBlock);
    for (int64_t i = 1; i <= size; ++i)
      curve[++at] += share * (sum + mass[b] * static_cast<double>(i) / static_cast<double>(size));
    sum += mass[b];
  }
}

std::vector<int64_t> drawn_blocks(int64_t length) {
  const int64_t blocks = (length + RecallCeiling::kBlock - 1) / RecallCeiling::kBlock;
  return sample_tokens(blocks, RecallCeiling::kBlocks);
}

/// Share of the pairs of a head that is computed on the call's own keys.
double own_density(const Plan& plan, const Inputs& in, int64_t head) {
  double pairs = 0;
  for (const Branch& branch : plan.branches)
    if (!branch.prepared.k) pairs += static_cast<double>(branch.pairs(head, in.heads()));
  return pairs / (static_cast<double>(in.length()) * static_cast<double>(in.keys()));
}

}  // namespace

RecallCeiling::RecallCeiling(const Inputs& in)
    : heads_(in.heads()),
      by_token_(heads_, Curve(in.keys() + 1)),
      by_block_(heads_, Curve(in.keys() + 1)) {
  const std::vector<int64_t> blocks = drawn_blocks(in.length());
  for (const int64_t b : blocks)
    for (int64_t i = b * kBlock; i < std::min(in.length(), (b + 1) * kBlock); ++i)
      tokens_.push_back(i);
  lse_.resize(tokens_.size() * heads_);
  for (const int64_t b : blocks)
    for (int64_t h = 0; h < heads_; ++h) {
      throw_if_cancelled();
      look_at(in, b * kBlock, std::min(in.length(), (b + 1) * kBlock), h);
    }
}

double RecallCeiling::at(const Curve& curve, double density) {
  const double steps = std::clamp(density, 0.0, 1.0) * static_cast<double>(curve.size() - 1);
  const auto whole = static_cast<size_t>(steps);
  if (whole + 1 >= curve.size()) return curve.back();
  return curve[whole] + (steps - static_cast<double>(whole)) * (curve[whole + 1] - curve[whole]);
}

void RecallCeiling::look_at(const Inputs& in, int64_t begin, int64_t end, int64_t head) {
  const int64_t keys = in.keys(), rows = end - begin;
  const auto first = std::lower_bound(tokens_.begin(), tokens_.end(), begin) - tokens_.begin();
  const double share = 1 / static_cast<double>(tokens_.size());
  std::vector<float> scores = query_scores(in, head, begin, end);
  std::vector<double> mass((keys + kBlock - 1) / kBlock);
  std::vector<Curve> parts(omp_get_max_threads(), Curve(keys + 1));
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows; ++i)
    lse_[(first + i) * heads_ + head] =
        normalize_scores({&scores[i * keys], static_cast<size_t>(keys)});
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < keys; ++j) mass[j / kBlock] += scores[i * keys + j];
  add_block_sums(mass, keys, share, by_block_[head]);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows; ++i)
    add_running_sums({&scores[i * keys], static_cast<size_t>(keys)}, share,
                     parts[omp_get_thread_num()]);
  for (const Curve& part : parts)
    for (size_t k = 0; k < part.size(); ++k) by_token_[head][k] += part[k];
}

RecallEfficiency recall_efficiency(const Plan& plan, const Inputs& in, const Output& out,
                                   const RecallCeiling& ceiling) {
  const auto& tokens = ceiling.tokens();
  const int64_t heads = in.heads();
  std::vector<double> kept(tokens.size() * heads);
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
  for (size_t i = 0; i < tokens.size(); ++i)
    errors.catching([&] {
      for (int64_t h = 0; h < heads; ++h)
        kept[i * heads + h] = kept_mass(plan, in, out, tokens[i], h, ceiling.lse(i, h));
    });
  errors.rethrow();
  double recall = 0, by_token = 0, by_block = 0;
  for (const double mass : kept) recall += mass / static_cast<double>(tokens.size());
  for (int64_t h = 0; h < heads; ++h) {
    const double density = own_density(plan, in, h);
    by_token += ceiling.of_tokens(h, density);
    by_block += ceiling.of_blocks(h, density);
  }
  return {recall / by_token, recall / by_block};
}

}  // namespace vidattn
