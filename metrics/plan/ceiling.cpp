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

/// Blocks of keys by their mass per key; the last one may be short. `share` of the mass counts.
MassCurve block_curve(const std::vector<double>& mass, int64_t keys, double share) {
  const auto size = [&](int64_t b) {
    return static_cast<double>(std::min(RecallCeiling::kBlock, keys - b * RecallCeiling::kBlock));
  };
  std::vector<int64_t> order(mass.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return mass[a] / size(a) > mass[b] / size(b); });
  MassCurve curve;
  for (const int64_t b : order) {
    curve.keys.push_back(curve.keys.back() + size(b));
    curve.mass.push_back(curve.mass.back() + share * mass[b]);
  }
  return curve;
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

/// Keys that every row of a table sees.
std::vector<int64_t> keys_of_rows(const HeadTable& table, int64_t rows) {
  std::vector<int64_t> keys(rows);
  for (const Segment& s : table.segments)
    for (int32_t r = s.range_begin; r < s.range_end; ++r)
      for (int64_t p = s.query_begin; p < s.query_end; ++p)
        keys[table.query_row(p)] +=
            std::max<int64_t>(0, table.ranges[r].last(p) - table.ranges[r].first(p));
  return keys;
}

/// How many of the call's own keys each of some tokens sees in a head; what several branches show
/// counts in each.
std::vector<int64_t> own_keys(const Plan& plan, const Inputs& in, int64_t head,
                              const std::vector<int64_t>& tokens) {
  std::vector<int64_t> keys(tokens.size());
  for (const Branch& branch : plan.branches) {
    if (branch.prepared.k) continue;
    const size_t t = branch.table_index(head, in.heads());
    const std::vector<int64_t> of_row =
        keys_of_rows(branch.tables[t], branch.operands(in).q.length());
    for (size_t i = 0; i < tokens.size(); ++i) {
      const int64_t row = branch.output_map.empty() ? tokens[i] : branch.output_map[t][tokens[i]];
      if (row >= 0) keys[i] += of_row[row];
    }
  }
  return keys;
}

}  // namespace

double MassCurve::at(double count) const {
  const auto next = std::upper_bound(keys.begin(), keys.end(), count) - keys.begin();
  if (next == std::ssize(keys)) return mass.back();
  const double part = (count - keys[next - 1]) / (keys[next] - keys[next - 1]);
  return mass[next - 1] + part * (mass[next] - mass[next - 1]);
}

RecallCeiling::RecallCeiling(const Inputs& in)
    : heads_(in.heads()), keys_(in.keys()), by_token_(heads_, std::vector<double>(in.keys() + 1)) {
  for (const int64_t b : drawn_blocks(in.length())) {
    const size_t first = tokens_.size();
    for (int64_t i = b * kBlock; i < std::min(in.length(), (b + 1) * kBlock); ++i)
      tokens_.push_back(i);
    drawn_.push_back({first, tokens_.size(), std::vector<MassCurve>(heads_)});
  }
  lse_.resize(tokens_.size() * heads_);
  for (Drawn& drawn : drawn_)
    for (int64_t h = 0; h < heads_; ++h) {
      throw_if_cancelled();
      look_at(in, h, drawn);
    }
}

double RecallCeiling::of_tokens(int64_t head, double density) const {
  const std::vector<double>& curve = by_token_[head];
  const double steps = std::clamp(density, 0.0, 1.0) * static_cast<double>(keys_);
  const auto whole = static_cast<size_t>(steps);
  if (whole + 1 >= curve.size()) return curve.back();
  return curve[whole] + (steps - static_cast<double>(whole)) * (curve[whole + 1] - curve[whole]);
}

template <class KeysOf>
double RecallCeiling::mean_of_blocks(int64_t head, const KeysOf& keys_of) const {
  double mass = 0;
  for (const Drawn& drawn : drawn_) mass += drawn.by_block[head].at(keys_of(drawn));
  return mass;
}

double RecallCeiling::of_blocks(int64_t head, double density) const {
  return mean_of_blocks(head, [&](const Drawn&) { return density * static_cast<double>(keys_); });
}

double RecallCeiling::of_blocks(int64_t head, const std::vector<int64_t>& keys) const {
  return mean_of_blocks(head, [&](const Drawn& drawn) {
    int64_t sum = 0;
    for (size_t row = drawn.first; row < drawn.last; ++row) sum += keys[row];
    return static_cast<double>(sum) / static_cast<double>(drawn.last - drawn.first);
  });
}

void RecallCeiling::look_at(const Inputs& in, int64_t head, Drawn& drawn) {
  const auto rows = static_cast<int64_t>(drawn.last - drawn.first);
  const int64_t begin = tokens_[drawn.first];
  const double share = 1 / static_cast<double>(tokens_.size());
  std::vector<float> scores = query_scores(in, head, begin, begin + rows);
  std::vector<double> mass((keys_ + kBlock - 1) / kBlock);
  std::vector<std::vector<double>> parts(omp_get_max_threads(), std::vector<double>(keys_ + 1));
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows; ++i)
    lse_[(drawn.first + i) * heads_ + head] =
        normalize_scores({&scores[i * keys_], static_cast<size_t>(keys_)});
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < keys_; ++j) mass[j / kBlock] += scores[i * keys_ + j];
  drawn.by_block[head] = block_curve(mass, keys_, share);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows; ++i)
    add_running_sums({&scores[i * keys_], static_cast<size_t>(keys_)}, share,
                     parts[omp_get_thread_num()]);
  for (const std::vector<double>& part : parts)
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
    const double blocks = std::max(ceiling.of_blocks(h, density),
                                   ceiling.of_blocks(h, own_keys(plan, in, h, tokens)));
    by_block += blocks;
    by_token += std::max(ceiling.of_tokens(h, density), blocks);
  }
  return {recall / by_token, recall / by_block};
}

}  // namespace vidattn
