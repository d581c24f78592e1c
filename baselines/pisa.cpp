#include <algorithm>
#include <cmath>

#include "attention/blas.h"
#include "attention/error.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/block_scores.h"
#include "baselines/blocks.h"
#include "baselines/centroids.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

constexpr const char* kPisa = "public code (xie-lab-ml/piecewise-sparse-attention)";

struct PisaParams : ParamFields {
  using ParamFields::ParamFields;
  int64_t block = integer("block", 64, "Tokens of a block.", kPisa, 1);
  double density =
      real("density", 0.1, "Share of key blocks attended exactly, rounded down; at least one.",
           "README: 0.1; its example 0.15", 0, 1);
  bool density_given = given("density");
  int64_t topk = integer("topk", 0, "Exact key blocks per query block; 0 = from density.", "", 0);
  std::string route =
      choice("route", {"score", "hnorm", "taylor"},
             "What ranks the key blocks: pooled scores, or those plus the log of the norm of H "
             "(hnorm) or of the variance of the keys (taylor) of a block.",
             "Flux processor: hnorm; SGLang: taylor");
  int64_t order = integer("order", 1, "Of the Taylor expansion for the other blocks: 0 or 1.",
                          "the authors 1, SGLang 0", 0, 1);
};

int64_t exact_blocks(const PisaParams& p, int64_t blocks) {
  const auto share = static_cast<int64_t>(p.density * static_cast<double>(blocks));
  const int64_t by_density = std::clamp<int64_t>(share, 1, blocks);
  if (p.topk == 0) return by_density;
  if (p.density_given && p.topk != by_density)
    throw InputError("pisa: topk=" + std::to_string(p.topk) + " contradicts density=" +
                     to_text(p.density) + ", which keeps " + std::to_string(by_density) + " of " +
                     std::to_string(blocks) + " blocks: give one of them");
  return std::min(p.topk, blocks);
}

/// How keys and values of one head vary inside the blocks.
struct Variation {
  std::vector<double> norm;  ///< |H_b|_F of H_b = sum_{j in b} (k_j - mean k) v_j^T
  std::vector<float> mean;   ///< [D,DV] sum of all H_b over the number of tokens
};

/// [dim, rows] of a matrix, less the mean of each row's block where there are means.
std::vector<float> transposed_rows(const HeadMatrix& rows, const Blocks& blocks,
                                   const Tensor* means, int64_t kv_head) {
  std::vector<float> turned(rows.dim() * rows.rows());
  const auto steps = static_cast<double>(turned.size());
#pragma omp parallel for schedule(static) num_threads(threads_for(steps))
  for (int64_t i = 0; i < rows.rows(); ++i) {
    const float* mean = means == nullptr ? nullptr : means->row(blocks.label[i], kv_head);
    for (int64_t c = 0; c < rows.dim(); ++c)
      turned[c * rows.rows() + i] = rows.row(i)[c] - (mean == nullptr ? 0 : mean[c]);
  }
  return turned;
}

/// 2·L·D·DV FLOPs, and as many for the norms where they are wanted.
Variation variation(const Inputs& in, const Blocks& blocks, const Tensor& key_means,
                    int64_t kv_head, bool norms) {
  const int64_t dim = in.dim(), value_dim = in.value_dim(), length = in.keys();
  const HeadMatrix keys(*in.k, kv_head), values(*in.v, kv_head);
  const std::vector<float> k = transposed_rows(keys, blocks, &key_means, kv_head);
  const std::vector<float> v = transposed_rows(values, blocks, nullptr, kv_head);
  Variation result{std::vector<double>(norms ? blocks.count() : 0),
                   std::vector<float>(dim * value_dim)};
  gemm_nt(dim, value_dim, length, k.data(), length, v.data(), length, result.mean.data(), value_dim,
          1 / static_cast<float>(length));
  if (!norms) return result;
  RegionErrors errors;
#pragma omp parallel
  {
    std::vector<float> h;
#pragma omp for schedule(static)
    for (int64_t b = 0; b < std::ssize(result.norm); ++b)
      errors.catching([&] {
        h.resize(dim * value_dim);
        gemm_nt(dim, value_dim, blocks.size(b), &k[blocks.start[b]], length, &v[blocks.start[b]],
                length, h.data(), value_dim);
        for (const float x : h) result.norm[b] += double{x} * x;
        result.norm[b] = std::sqrt(result.norm[b]);
      });
  }
  errors.rethrow();
  return result;
}

/// max(mean |k_j|^2 - |mean k|^2, 1e-8) of every block.
std::vector<double> key_variances(const Inputs& in, const Blocks& blocks, const Tensor& key_means,
                                  int64_t kv_head) {
  const HeadMatrix k(*in.k, kv_head);
  const auto square = [&](const float* row) {
    double sum = 0;
    for (int64_t c = 0; c < in.dim(); ++c) sum += double{row[c]} * row[c];
    return sum;
  };
  std::vector<double> variances(blocks.count());
  for (int64_t b = 0; b < blocks.count(); ++b) {
    double sum = 0;
    for (int32_t j = blocks.start[b]; j < blocks.start[b + 1]; ++j) sum += square(k.row(j));
    variances[b] = std::max(sum / blocks.size(b) - square(key_means.row(b, kv_head)), 1e-8);
  }
  return variances;
}

/// What is added to a key block's pooled score before blocks are ranked.
std::vector<float> block_bonus(const std::string& route, const std::vector<double>& norm,
                               const std::vector<double>& variance) {
  std::vector<float> bonus;
  if (route == "hnorm")
    for (const double n : norm) bonus.push_back(static_cast<float>(std::log(n + 1e-5)));
  if (route == "taylor")
    for (const double v : variance) bonus.push_back(static_cast<float>(std::log(v)));
  return bonus;
}

/// Piecewise sparse attention: the key blocks that rank highest are attended exactly, the others by
/// their Taylor expansion around the block's centroid, all under one softmax. Of order 1, the value
/// of a centroid for query q is the block's mean value + q^T Hbar / sqrt(D), where Hbar is the mean
/// over all blocks of H.
class Pisa : public Method<PisaParams> {
 public:
  std::string name() const override { return "pisa"; }

  BackendInfo describe() const override {
    return {
        .title = "top-k key blocks exactly, Taylor expansion around the centroids of all others",
        .paper = "PISA, piecewise sparse attention (xie-lab-ml, 2026)",
        .plans_from = PlansFrom::own_head,
        .presets = {{"sglang", {{"block", "64"}, {"route", "taylor"}, {"order", "0"}}},
                    {"flux", {{"block", "64"}, {"route", "hnorm"}, {"order", "1"}}}},
        .knob = {"density", 0, 1}};
  }

 protected:
  std::vector<DensityKnob> knobs(const Inputs&, const PisaParams& p) const override {
    return with_smaller_blocks(info().knob, "block", p.block, 16);
  }

  Plan make_plan(const Inputs& in, const PisaParams& p) const override {
    const Blocks blocks = run_blocks(in.length(), p.block);
    const int64_t topk = exact_blocks(p, blocks.count());
    Plan plan;
    const BlockMeans means = pool_blocks(in, blocks, "block means", plan);
    CentroidPlan parts(nullptr, blocks.start, static_cast<int32_t>(in.length()), means);
    auto slope = std::make_shared<Tensor>(in.dim(), in.kv_heads(), in.value_dim());
    Bonus bonus;
    for (int64_t h = 0; h < in.heads(); ++h) {
      if (h == 0 || in.kv_head(h) != in.kv_head(h - 1))
        bonus = rate_blocks(in, p, blocks, *means.k, in.kv_head(h), *slope, plan);
      add_head(in, h, means, bonus, topk, parts, plan, p.route == "hnorm");
    }
    plan.branches = std::move(parts).branches();
    if (p.order == 1) {
      plan.branches[1].value_slope = slope;
      plan.branches[1].slope_from = plan.branches[1].prepared.k_from;
    }
    return plan;
  }

 private:
  using Bonus = std::vector<float>;  ///< of every key block; empty = 0

  static Bonus rate_blocks(const Inputs& in, const PisaParams& p, const Blocks& blocks,
                           const Tensor& key_means, int64_t kv_head, Tensor& slope, Plan& plan) {
    std::vector<double> norm, variance;
    const auto length = static_cast<double>(in.keys()), dim = static_cast<double>(in.dim());
    if (p.route == "hnorm" || p.order == 1) {
      const StageTimer timer(
          plan, "covariance of keys and values",
          (p.route == "hnorm" ? 4 : 2) * length * dim * static_cast<double>(in.value_dim()));
      Variation found = variation(in, blocks, key_means, kv_head, p.route == "hnorm");
      for (int64_t d = 0; d < in.dim(); ++d)
        std::copy_n(&found.mean[d * in.value_dim()], in.value_dim(), slope.row(d, kv_head));
      norm = std::move(found.norm);
    }
    if (p.route == "taylor") {
      const StageTimer timer(plan, "variance of keys", 2 * length * dim);
      variance = key_variances(in, blocks, key_means, kv_head);
    }
    return block_bonus(p.route, norm, variance);
  }

  static void add_head(const Inputs& in, int64_t head, const BlockMeans& means, const Bonus& bonus,
                       int64_t topk, CentroidPlan& parts, Plan& plan, bool hnorm) {
    const int64_t n = means.k->length();
    const StageTimer timer(plan, "block ranking", 2.0 * static_cast<double>(n * n * in.dim()),
                           n * n + std::min<int64_t>(n, 256) * n * 4);
    const HeadMatrix q(*means.q, head), k(*means.k, in.kv_head(head));
    const auto ranked = [&](std::span<float> row) {
      for (size_t b = 0; b < bonus.size(); ++b) row[b] += bonus[b];
    };
    const auto map = choose_blocks(q, k, in.softmax_scale(), [&](int64_t, std::span<float> row) {
      ranked(row);
      return top_k(row, topk);
    });
    parts.add_head(map.data());
    if (!in.explain) return;
    std::vector<float> values = scores(q, k, in.softmax_scale());
    for (int64_t a = 0; a < n; ++a) {
      const std::span row(&values[a * n], static_cast<size_t>(n));
      ranked(row);
      if (hnorm) take_log_softmax(row);  // as the authors show it
    }
    explain_head("block_map", {in.heads(), n, n}, map, plan);
    explain_head("route_score", {in.heads(), n, n}, values, plan);
  }

  static void take_log_softmax(std::span<float> row) {
    const double high = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (const float x : row) sum += std::exp(x - high);
    for (float& x : row) x = static_cast<float>(x - high - std::log(sum));
  }
};

const RegisterBackend<Pisa> registered_pisa;

}  // namespace
}  // namespace vidattn
