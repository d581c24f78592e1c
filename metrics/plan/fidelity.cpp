#include "metrics/plan/fidelity.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "attention/parallel.h"
#include "attention/reference.h"

namespace vidattn {
namespace {

// The union of branches is scored with plain loops, L·D multiply-adds per row.
constexpr int64_t kUnionRows = 128;

/// log-sum-exp of the query's scores over the given keys, in float64.
double log_sum_exp(const Inputs& in, int64_t token, int64_t head,
                   const std::vector<int64_t>& keys) {
  std::vector<float> q(in.dim()), k(in.dim());
  in.q->read_row(token, head, q.data());
  std::vector<double> scores;
  scores.reserve(keys.size());
  for (int64_t key : keys) {
    in.k->read_row(key, in.kv_head(head), k.data());
    double dot = 0;
    for (int64_t c = 0; c < in.dim(); ++c) dot += double{q[c]} * k[c];
    scores.push_back(dot * in.softmax_scale());
  }
  if (scores.empty()) return -INFINITY;
  const double highest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double s : scores) sum += std::exp(s - highest);
  return highest + std::log(sum);
}

double union_mass(const Plan& plan, const Inputs& in, int64_t token, int64_t head,
                  double full_lse) {
  std::vector<int64_t> keys;
  for (const Branch& branch : plan.branches) {
    if (branch.prepared.k) continue;
    const auto seen = visible_keys(branch, in, token, head);
    keys.insert(keys.end(), seen.begin(), seen.end());
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return std::exp(log_sum_exp(in, token, head, keys) - full_lse);
}

/// A plan whose LSE belongs to each token's own query and to all keys that it sees.
bool lse_tells_recall(const Plan& plan) {
  return plan.branches.size() == 1 && plan.branches[0].output_map.empty() &&
         !plan.branches[0].prepared.q && !plan.branches[0].prepared.k && !plan.branches[0].key_bias;
}

std::vector<double> recalls(const Plan& plan, const Inputs& in, const Output& out,
                            const Output& full, const std::vector<int64_t>& tokens) {
  const int64_t heads = in.heads();
  std::vector<double> recall;
  if (lse_tells_recall(plan)) {
    for (int64_t i : tokens)
      for (int64_t h = 0; h < heads; ++h)
        recall.push_back(kept_mass(plan, in, out, i, h, full.lse[0][i * heads + h]));
    return recall;
  }
  const auto sampled = sample_tokens(static_cast<int64_t>(tokens.size()), kUnionRows);
  recall.resize(sampled.size() * heads);
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
  for (size_t i = 0; i < sampled.size(); ++i)
    errors.catching([&] {
      const int64_t token = tokens[sampled[i]];
      for (int64_t h = 0; h < heads; ++h)
        recall[i * heads + h] = kept_mass(plan, in, out, token, h, full.lse[0][token * heads + h]);
    });
  errors.rethrow();
  return recall;
}

/// What the rows of a head add up to.
struct RowSums {
  double error = 0, norm = 0, cosine = 0;
  int64_t directions = 0;  ///< pairs of rows, without those that are zero under both

  void add(const RowSums& other) {
    error += other.error;
    norm += other.norm;
    cosine += other.cosine;
    directions += other.directions;
  }
  double relative_l2() const { return norm > 0 ? std::sqrt(error / norm) : NAN; }
  double mean_cosine() const {
    return directions > 0 ? cosine / static_cast<double>(directions) : NAN;
  }
};

/// Adds a row of an output and the one of full attention; returns their largest difference.
double add_rows(const std::vector<float>& a, const std::vector<float>& b, RowSums& sums) {
  double aa = 0, bb = 0, ab = 0, largest = 0;
  for (size_t c = 0; c < a.size(); ++c) {
    const double difference = double{a[c]} - b[c];
    sums.error += difference * difference;
    largest = std::max(largest, std::abs(difference));
    aa += double{a[c]} * a[c];
    bb += double{b[c]} * b[c];
    ab += double{a[c]} * b[c];
  }
  sums.norm += bb;
  sums.directions += aa > 0 || bb > 0 ? 1 : 0;
  sums.cosine += aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
  return largest;
}

/// Mean of every `heads`-th value from `head` on.
double mean_of_head(const std::vector<double>& values, size_t head, size_t heads) {
  double sum = 0;
  for (size_t i = head; i < values.size(); i += heads) sum += values[i];
  const size_t rows = values.size() / heads;
  return sum / static_cast<double>(rows);
}

}  // namespace

Fidelity compare_with_full(const Plan& plan, const Inputs& in, const Output& out,
                           const Output& full, const std::vector<int64_t>& tokens) {
  Fidelity f;
  f.tokens = static_cast<int64_t>(tokens.size());
  const auto heads = static_cast<size_t>(in.heads());
  std::vector<float> a(out.o.dim()), b(out.o.dim());
  std::vector<RowSums> of_head(heads);
  for (int64_t i : tokens)
    for (size_t h = 0; h < heads; ++h) {
      out.o.read_row(i, static_cast<int64_t>(h), a.data());
      full.o.read_row(i, static_cast<int64_t>(h), b.data());
      f.max_error = std::max(f.max_error, add_rows(a, b, of_head[h]));
    }
  std::vector<double> recall = recalls(plan, in, out, full, tokens);
  RowSums all;
  for (size_t h = 0; h < heads; ++h) {
    all.add(of_head[h]);
    f.heads.push_back(
        {of_head[h].relative_l2(), of_head[h].mean_cosine(), mean_of_head(recall, h, heads)});
  }
  f.relative_l2 = all.relative_l2();
  f.cosine = all.mean_cosine();
  f.recall_mean = std::accumulate(recall.begin(), recall.end(), 0.0) / recall.size();
  const auto fifth = recall.begin() + static_cast<int64_t>(0.05 * (recall.size() - 1));
  std::nth_element(recall.begin(), fifth, recall.end());
  f.recall_p5 = *fifth;
  return f;
}

double kept_mass(const Plan& plan, const Inputs& in, const Output& out, int64_t token, int64_t head,
                 double full_lse) {
  if (!lse_tells_recall(plan)) return union_mass(plan, in, token, head, full_lse);
  return std::exp(double{out.lse[0][token * in.heads() + head]} - full_lse);
}

std::vector<int64_t> sample_tokens(int64_t length, int64_t count) {
  std::vector<int64_t> all(length);
  std::iota(all.begin(), all.end(), 0);
  if (count >= length) return all;
  std::vector<int64_t> chosen;
  std::sample(all.begin(), all.end(), std::back_inserter(chosen), count, std::mt19937_64(1));
  return chosen;
}

Plan full_attention_rows(const std::vector<int64_t>& tokens, int64_t keys) {
  HeadTable table;
  table.query_order = make_order({tokens.begin(), tokens.end()});
  table.add(0, static_cast<int32_t>(tokens.size()), {{0, static_cast<int32_t>(keys)}});
  Plan plan;
  plan.branches.push_back({.name = "full", .tables = {std::move(table)}});
  return plan;
}

double equality_limit(DType dtype) {
  if (dtype == DType::f32 || dtype == DType::fp8) return 2e-5;
  return dtype == DType::f16 ? 2e-3 : 1e-2;
}

double relative_l2_between(const Tensor& a, const Tensor& b, const std::vector<int64_t>& tokens) {
  RowSums sums;
  std::vector<float> of_a(a.dim()), of_b(b.dim());
  for (const int64_t token : tokens)
    for (int64_t h = 0; h < a.heads(); ++h) {
      a.read_row(token, h, of_a.data());
      b.read_row(token, h, of_b.data());
      add_rows(of_a, of_b, sums);
    }
  return sums.error == 0 ? 0 : sums.relative_l2();
}

double relative_l2_error(const Tensor& out, const std::vector<int64_t>& tokens,
                         const std::vector<double>& expected) {
  std::vector<float> row(out.dim());
  double error = 0, norm = 0;
  for (size_t i = 0; i < tokens.size(); ++i)
    for (int64_t h = 0; h < out.heads(); ++h) {
      out.read_row(tokens[i], h, row.data());
      const double* e = &expected[(i * out.heads() + h) * out.dim()];
      for (int64_t c = 0; c < out.dim(); ++c) {
        error += (row[c] - e[c]) * (row[c] - e[c]);
        norm += e[c] * e[c];
      }
    }
  return norm > 0 ? std::sqrt(error / norm) : std::sqrt(error);
}

}  // namespace vidattn
