#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "attention/blas.h"
#include "attention/error.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/dsa_indexer.h"

namespace vidattn {
namespace {

struct DsaParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kSource = "DeepSeek-V3.2";
  int64_t topk = integer("topk", 2048, "Tokens per query; at most all.", kSource, 1);
  bool causal =
      flag("causal", false, "Keys up to the query only, as published; video needs all.", kSource);
  std::string projection = choice("projection", {"random", "mean"},
                                  "Index without q_index, k_index and index_weight: random "
                                  "orthonormal rows over all heads, or the mean over the heads.",
                                  "chosen here");
  int64_t index_dim = integer(
      "index_dim", 128, "Channels of the random projection; at most heads x channels.", kSource, 1);
  int64_t seed = integer("seed", 1, "Seed of the random projection.", "-", 0);
};

/// Rows that are orthonormal (as many as columns at most) and otherwise random, [rows, columns].
std::vector<float> orthonormal(int64_t rows, int64_t columns, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> matrix(rows * columns);
  std::vector<double> row(columns);
  const auto project = [&](const float* other) {
    const double dot = std::inner_product(row.begin(), row.end(), other, 0.0);
    for (int64_t c = 0; c < columns; ++c) row[c] -= dot * other[c];
  };
  for (int64_t r = 0; r < rows; ++r) {
    for (double& x : row) x = static_cast<double>(random() >> 11) * 0x1p-52 - 1;
    for (int twice = 0; twice < 2; ++twice)  // once leaves rounding errors of earlier rows
      for (int64_t other = 0; other < r; ++other) project(&matrix[other * columns]);
    const double norm = std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
    for (int64_t c = 0; c < columns; ++c)
      matrix[r * columns + c] = static_cast<float>(row[c] / norm);
  }
  return matrix;
}

/// Every key head of a token, side by side [L, HK*D]; queries are first averaged over the heads
/// that share a key head. Applies the projection [Di, HK*D] a few tokens at a time: [L, Di].
std::vector<float> project(const Inputs& in, const Tensor& rows, const std::vector<float>& matrix) {
  const int64_t width = in.kv_heads() * in.dim();
  const int64_t dim = static_cast<int64_t>(matrix.size()) / width;
  const int64_t group = rows.heads() / in.kv_heads();
  constexpr int64_t kRows = 32;  // tokens of one matrix product
  std::vector<float> projected(rows.length() * dim);
  const auto project_rows = [&](int64_t begin) {
    const int64_t count = std::min(kRows, rows.length() - begin);
    std::vector<float> wide(count * width), row(in.dim());
    for (int64_t i = 0; i < count; ++i)
      for (int64_t h = 0; h < rows.heads(); ++h) {
        rows.read_row(begin + i, h, row.data());
        float* out = &wide[i * width + h / group * in.dim()];
        for (int64_t c = 0; c < in.dim(); ++c) out[c] += row[c] / static_cast<float>(group);
      }
    gemm_nt(count, dim, width, wide.data(), width, matrix.data(), width, &projected[begin * dim],
            dim);
  };
  RegionErrors errors;
#pragma omp parallel for schedule(static)
  for (int64_t begin = 0; begin < rows.length(); begin += kRows)
    errors.catching([&] { project_rows(begin); });
  errors.rethrow();
  return projected;
}

/// DeepSeek sparse attention: a light index scores every earlier token for every query; the query
/// attends to the topk of largest score, the same for all heads. The published index is trained.
/// Without it: one index head, whose query and key are the call's own q and k of all heads side by
/// side under a fixed projection: random orthonormal rows, so that the score estimates the sum of
/// the heads' scores, or their mean over the heads.
///
/// The method prescribes an index memory of 4 * L * topk bytes and indexing work of O(L^2).
class Dsa : public Method<DsaParams> {
 public:
  std::string name() const override { return "dsa"; }

  BackendInfo describe() const override {
    return {.title = "the topk tokens of largest index score per query, shared by all heads",
            .paper = "DeepSeek-AI 2025, DeepSeek-V3.2",
            .inputs = {{"q_index", "[L,J,Di]", "Index queries, J index heads."},
                       {"k_index", "[L,Di]", "Index keys."},
                       {"index_weight", "[L,J]", "Weight of every index head per query."},
                       {"index_projection", "[Di,HK*D]",
                        "Projection that stands for the index; set by itself."}},
            .knob = {"topk", 1, 1 << 20}};
  }

  /// The projection stands for trained weights, so that drawing it is not part of a call's cost.
  void prepare(Inputs& in, const DsaParams& p) const override {
    if (in.find("q_index") || in.find("index_projection")) return;
    const int64_t heads = in.kv_heads(), dim = in.dim(), width = heads * dim;
    Array matrix{{std::min(p.index_dim, width), width}, {}};
    if (p.projection == "mean") {
      matrix.shape[0] = dim;
      std::vector<float> mean(dim * width);
      for (int64_t c = 0; c < dim; ++c)
        for (int64_t h = 0; h < heads; ++h)
          mean[c * width + h * dim + c] = 1.0F / static_cast<float>(heads);
      matrix.values = std::move(mean);
    } else {
      matrix.values = orthonormal(matrix.shape[0], width, static_cast<uint64_t>(p.seed));
    }
    in.extra["index_projection"] = std::make_shared<const Array>(std::move(matrix));
  }

  Plan make_plan(const Inputs& in, const DsaParams& p) const override {
    const int64_t topk = std::min(p.topk, in.length());
    if (in.length() * topk > std::numeric_limits<int32_t>::max() - in.length())
      throw InputError("dsa: " + std::to_string(in.length()) + " tokens with topk " +
                       std::to_string(topk) + " are more keys than a plan can list, 2^31");
    Plan plan;
    std::vector<float> q, k;
    const DsaIndex index = in.find("q_index") ? given_index(in) : projected_index(in, q, k, plan);
    Branch branch{.name = "dsa"};
    branch.tables.push_back(select_keys(index, topk, p.causal, in.explain, plan));
    plan.branches.push_back(std::move(branch));
    return plan;
  }

 private:
  static DsaIndex given_index(const Inputs& in) {
    const Array &q = in.need("q_index", "dsa"), &k = in.need("k_index", "dsa"),
                &weight = in.need("index_weight", "dsa");
    if (q.shape.size() != 3 || q.size() == 0 || q.shape[0] != in.length() ||
        k.shape != std::vector<int64_t>{in.length(), q.shape[2]} ||
        weight.shape != std::vector<int64_t>{in.length(), q.shape[1]})
      throw InputError(
          "dsa: q_index, k_index and index_weight must be [L,J,Di], [L,Di] and [L,J] "
          "with L = " +
          std::to_string(in.length()));
    return {q.as<float>("q_index").data(),
            k.as<float>("k_index").data(),
            weight.as<float>("index_weight").data(),
            in.length(),
            q.shape[1],
            q.shape[2]};
  }

  static DsaIndex projected_index(const Inputs& in, std::vector<float>& q, std::vector<float>& k,
                                  Plan& plan) {
    const Array& matrix = in.need("index_projection", "dsa");
    const int64_t width = in.kv_heads() * in.dim();
    if (matrix.shape.size() != 2 || matrix.size() == 0 || matrix.shape[1] != width)
      throw InputError("dsa: index_projection must be [Di," + std::to_string(width) + "]");
    const int64_t dim = matrix.shape[0];
    const StageTimer timer(plan, "index projection",
                           4.0 * static_cast<double>(in.length() * width * dim),
                           in.length() * dim * 8);
    q = project(in, *in.q, matrix.as<float>("index_projection"));
    k = project(in, *in.k, matrix.as<float>("index_projection"));
    return {q.data(), k.data(), nullptr, in.length(), 1, dim};
  }
};

const RegisterBackend<Dsa> registered_dsa;

}  // namespace
}  // namespace vidattn
