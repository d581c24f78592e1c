#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/blocks.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

struct SpargeParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kApi = "SpargeAttn API";
  std::string mode =
      choice("mode", {"topk", "cdf"},
             "How many key blocks are kept: a share of them, or by cumulative probability.", kApi);
  double topk =
      real("topk", 0.5, "Mode topk: share of all key blocks per query block; at least one.",
           "SpargeAttn API: 0.5 with theta -0.1", 0, 1);
  double cdf = real(
      "cdf", 0.98,
      "Mode cdf: as many key blocks as cumulative probabilities are at most this; at least one.",
      "SpargeAttn API: 0.98 with theta 0.6", 0, 1);
  double theta =
      real("theta", -0.1,
           "Blocks of self-similarity at or below this are always computed; below 0 none are.",
           "SpargeAttn API: -0.1 with topk, 0.6 with cdf", -1, 1);
  int64_t block_q = integer("block_q", 128, "Queries of a block.", kApi, 1, 1 << 30);
  int64_t block_k = integer("block_k", 64, "Keys of a block.", kApi, 1, 1 << 30);
};

/// Blocks of one head: their means, and whether a block's mean stands for its rows.
struct Pooled {
  Tensor mean;  ///< [blocks, 1, dim]
  std::vector<uint8_t> similar;
};

/// Sum over the rows of a block, and over the same rows scaled to length 1 (a zero row stays zero).
struct BlockSums {
  std::vector<double> rows, unit_rows;
};

BlockSums sum_block(const Tensor& tensor, int64_t head, const Blocks& blocks, int64_t block,
                    const std::vector<double>& centre) {
  const int64_t dim = tensor.dim();
  BlockSums sums{std::vector<double>(dim), std::vector<double>(dim)};
  std::vector<float> stored(dim);
  std::vector<double> row(dim);
  for (int32_t p = blocks.start[block]; p < blocks.start[block + 1]; ++p) {
    tensor.read_row(p, head, stored.data());
    double norm = 0;
    for (int64_t c = 0; c < dim; ++c) {
      row[c] = stored[c] - centre[c];
      norm += row[c] * row[c];
    }
    const double inverse = norm > 0 ? 1 / std::sqrt(norm) : 0;
    for (int64_t c = 0; c < dim; ++c) {
      sums.rows[c] += row[c];
      sums.unit_rows[c] += row[c] * inverse;
    }
  }
  return sums;
}

/// Pools the rows minus `centre`. A block's self-similarity, the mean cosine similarity of all
/// pairs of its rows, is the squared norm of the mean of its unit rows.
Pooled pool(const Tensor& tensor, int64_t head, const Blocks& blocks,
            const std::vector<double>& centre, double theta) {
  const int64_t dim = tensor.dim();
  Pooled pooled{Tensor(blocks.count(), 1, dim), std::vector<uint8_t>(blocks.count())};
  const auto pool_block = [&](int64_t b) {
    const BlockSums sums = sum_block(tensor, head, blocks, b, centre);
    const double size = blocks.size(b);
    double similarity = 0;
    for (int64_t c = 0; c < dim; ++c) {
      pooled.mean.row(b, 0)[c] = static_cast<float>(sums.rows[c] / size);
      similarity += sums.unit_rows[c] / size * (sums.unit_rows[c] / size);
    }
    pooled.similar[b] = similarity > theta;
  };
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic, 8)
  for (int64_t b = 0; b < blocks.count(); ++b) errors.catching([&] { pool_block(b); });
  errors.rethrow();
  return pooled;
}

std::vector<double> mean_row(const Tensor& tensor, int64_t head) {
  const Tensor mean = block_means(tensor, run_blocks(tensor.length(), tensor.length()), head);
  return {mean.row(0, 0), mean.row(0, 0) + tensor.dim()};
}

/// SpargeAttn (Zhang et al. 2025): blocks of queries and keys in token order; those whose rows are
/// alike are scored by their means, and every query block keeps the best-scored key blocks. Blocks
/// whose rows differ are always computed. Selection only: the INT8 and FP8 arithmetic of the
/// published kernels, and their skipping of products with small softmax weights, are left out.
class Sparge : public Method<SpargeParams> {
 public:
  std::string name() const override { return "sparge"; }

  BackendInfo describe() const override {
    return {
        .title = "key blocks by pooled scores where blocks are self-similar, all others computed",
        .paper = "Zhang et al. 2025, arXiv 2502.18137",
        .takes_cross = true,
        .plans_from = PlansFrom::own_head,
        .presets = {{"topk", {{"mode", "topk"}, {"topk", "0.5"}, {"theta", "-0.1"}}},
                    {"cdf", {{"mode", "cdf"}, {"cdf", "0.98"}, {"theta", "0.6"}}}},
        .knob = {"topk", 0, 1}};
  }

  Plan make_plan(const Inputs& in, const SpargeParams& p) const override {
    const Blocks queries = run_blocks(in.length(), p.block_q);
    const Blocks keys = run_blocks(in.keys(), p.block_k);
    Plan plan;
    Branch branch{.name = "sparge"};
    std::vector<uint8_t> maps, q_similar, k_similar;
    const auto append = [&](std::vector<uint8_t>& all, const std::vector<uint8_t>& one) {
      if (in.explain) all.insert(all.end(), one.begin(), one.end());
    };
    for (int64_t g = 0; g < in.kv_heads(); ++g) {
      const Pooled k = pool_keys(in, g, keys, p, plan);
      append(k_similar, k.similar);
      const int64_t group = in.heads() / in.kv_heads();
      for (int64_t h = g * group; h < (g + 1) * group; ++h) {
        const Pooled q = pool_queries(in, h, queries, p, plan);
        const auto map = select(in, q, k, p, plan);
        append(q_similar, q.similar);
        append(maps, map);
        branch.tables.push_back(block_table(queries, keys, map.data()));
      }
    }
    plan.branches.push_back(std::move(branch));
    if (in.explain) {
      plan.explained["block_map"] = {{in.heads(), queries.count(), keys.count()}, std::move(maps)};
      plan.explained["q_similar"] = {{in.heads(), queries.count()}, std::move(q_similar)};
      plan.explained["k_similar"] = {{in.kv_heads(), keys.count()}, std::move(k_similar)};
    }
    return plan;
  }

 private:
  // Per element: a square for the norm, the unit row, and two sums.
  static double pooling_flops(const Tensor& rows) {
    return 5.0 * static_cast<double>(rows.length() * rows.dim());
  }

  static Pooled pool_keys(const Inputs& in, int64_t g, const Blocks& keys, const SpargeParams& p,
                          Plan& plan) {
    const StageTimer timer(plan, "key pooling",
                           pooling_flops(*in.k) + 2.0 * static_cast<double>(in.keys() * in.dim()),
                           keys.count() * in.dim() * 4);
    return pool(*in.k, g, keys, mean_row(*in.k, g), p.theta);
  }

  static Pooled pool_queries(const Inputs& in, int64_t h, const Blocks& queries,
                             const SpargeParams& p, Plan& plan) {
    const StageTimer timer(plan, "query pooling", pooling_flops(*in.q),
                           queries.count() * in.dim() * 4);
    return pool(*in.q, h, queries, std::vector<double>(in.dim()), p.theta);
  }

  static std::vector<uint8_t> select(const Inputs& in, const Pooled& q, const Pooled& k,
                                     const SpargeParams& p, Plan& plan) {
    const int64_t rows = q.mean.length(), columns = k.mean.length();
    const StageTimer timer(plan, "block selection",
                           2.0 * static_cast<double>(rows * columns * in.dim()),
                           rows * columns + std::min<int64_t>(rows, 256) * columns * 4);
    return choose_blocks(HeadMatrix(q.mean, 0), HeadMatrix(k.mean, 0), in.softmax_scale(),
                         [&](int64_t row, std::span<float> scores) {
                           return kept_keys(q.similar[row], k.similar, scores, p);
                         });
  }

  /// Dissimilar key blocks are always kept and take no part in the softmax; a dissimilar query
  /// block keeps all.
  static std::vector<int32_t> kept_keys(bool similar_query, const std::vector<uint8_t>& similar_key,
                                        std::span<float> scores, const SpargeParams& p) {
    std::vector<int32_t> always;
    for (size_t b = 0; b < scores.size(); ++b)
      if (!similar_query || !similar_key[b]) always.push_back(static_cast<int32_t>(b));
    if (always.size() == scores.size()) return always;
    for (int32_t b : always) scores[b] = -std::numeric_limits<float>::infinity();
    std::vector<int32_t> kept = ranked_keys(scores, p);
    kept.insert(kept.end(), always.begin(), always.end());
    return kept;
  }

  static std::vector<int32_t> ranked_keys(std::span<const float> scores, const SpargeParams& p) {
    if (p.mode == "cdf") return top_p(softmax(scores), p.cdf, TopP::sums_at_most, 1);
    const double share = p.topk * static_cast<double>(scores.size());
    return top_k(scores, std::max<int64_t>(1, static_cast<int64_t>(share)));
  }
};

const RegisterBackend<Sparge> registered_sparge;

}  // namespace
}  // namespace vidattn
