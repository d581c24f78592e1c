#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/block_scores.h"
#include "baselines/blocks.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

constexpr const char* kSla = "thu-ml/SLA";

struct SlaParams : ParamFields {
  using ParamFields::ParamFields;
  double topk_ratio =
      real("topk_ratio", 0.2, "Share of key blocks in the softmax, rounded down; at least one.",
           kSla, 0, 1);
  bool ratio_given = given("topk_ratio");
  int64_t topk = integer("topk", 0, "Key blocks per query block; 0 = from topk_ratio.", "", 0);
  int64_t block_q =
      integer("block_q", 64, "Tokens of a query block.", "SLA; 128 with SageAttention", 1);
  int64_t block_k = integer("block_k", 64, "Tokens of a key block.", kSla, 1);
  std::string feature_map = choice("feature_map", {"softmax", "elu", "relu"},
                                   "Features of the linear branch: softmax over the channels, "
                                   "elu(x)+1 or relu(x).",
                                   kSla);
  double linear_eps =
      real("linear_eps", 1e-5, "Added to the linear branch's denominator.", kSla, 0, 1);
};

int64_t sla_topk(const SlaParams& p, int64_t blocks) {
  const auto share = static_cast<int64_t>(p.topk_ratio * static_cast<double>(blocks));
  const int64_t by_ratio = std::clamp<int64_t>(share, 1, blocks);
  if (p.topk == 0) return by_ratio;
  if (p.ratio_given && p.topk != by_ratio)
    throw InputError("sla: topk=" + std::to_string(p.topk) + " contradicts topk_ratio=" +
                     to_text(p.topk_ratio) + ", which keeps " + std::to_string(by_ratio) + " of " +
                     std::to_string(blocks) + " blocks: give one of them");
  return std::min(p.topk, blocks);
}

/// Key means less the mean of all tokens.
Tensor centred_means(const Tensor& k, const Blocks& blocks) {
  Tensor means = block_means(k, blocks);
  const Tensor all = block_means(k, run_blocks(k.length(), k.length()));
  for (int64_t b = 0; b < means.length(); ++b)
    for (int64_t h = 0; h < means.heads(); ++h)
      for (int64_t c = 0; c < means.dim(); ++c) means.row(b, h)[c] -= all.row(0, h)[c];
  return means;
}

/// A learned tensor of `size` values; zeros, as in an untrained module, where none is given.
std::vector<float> learned(const Inputs& in, const std::string& name, int64_t size) {
  const Array* given = in.find(name);
  if (given == nullptr) return std::vector<float>(size);
  if (given->size() != size)
    throw InputError("sla: " + name + " must have " + std::to_string(size) + " values");
  return given->as<float>(name.c_str());
}

/// Sparse-linear attention (Zhang et al. 2025): softmax attention to the key blocks with the
/// highest pooled scores, plus a learned projection of linear attention to all tokens.
class Sla : public Method<SlaParams> {
 public:
  std::string name() const override { return "sla"; }

  BackendInfo describe() const override {
    return {.title = "top-k key blocks by pooled scores, plus projected linear attention to all",
            .paper = "Zhang et al. 2025, arXiv 2509.24006",
            .plans_from = PlansFrom::own_head,
            .inputs = {{"proj_weight", "[DV,DV]",
                        "Projection of the linear branch, y = W x + b; 0 unless given, as before "
                        "training."},
                       {"proj_bias", "[DV]", "Its bias; 0 unless given."}},
            .presets = {{"sage", {{"block_q", "128"}, {"block_k", "64"}}}},
            .knob = {"topk_ratio", 0, 1}};
  }

 protected:
  std::vector<DensityKnob> knobs(const Inputs&, const SlaParams& p) const override {
    return with_smaller_blocks(info().knob, "block_k", p.block_k, 16);
  }

  Plan make_plan(const Inputs& in, const SlaParams& p) const override {
    const Blocks queries = run_blocks(in.length(), p.block_q);
    const Blocks keys = run_blocks(in.length(), p.block_k);
    Plan plan;
    plan.branches.push_back(sparse_branch(in, p, queries, keys, plan));
    plan.linear.push_back(linear_term(in, p, plan));
    return plan;
  }

  std::map<std::string, Array> input_gradients_of(const Inputs& in, const SlaParams&, const Plan&,
                                                  const Gradients& gradients) const override {
    const LinearGradients& of_term = gradients.linear.at(0);
    std::map<std::string, Array> found;
    for (const auto& [name, values] :
         {std::pair{"proj_weight", &of_term.projection}, std::pair{"proj_bias", &of_term.bias}})
      if (const Array* given = in.find(name)) found[name] = {given->shape, *values};
    return found;
  }

 private:
  static Branch sparse_branch(const Inputs& in, const SlaParams& p, const Blocks& queries,
                              const Blocks& keys, Plan& plan) {
    const int64_t nq = queries.count(), nk = keys.count(), heads = in.heads();
    const int64_t topk = sla_topk(p, nk);
    const StageTimer timer(
        plan, "block selection",
        static_cast<double>(in.dim()) *
            static_cast<double>(in.length() * heads + 2 * in.keys() * in.kv_heads() +
                                2 * nq * nk * heads),
        nq * nk + std::min<int64_t>(nq, 256) * nk * 4);
    const Tensor q = block_means(*in.q, queries), k = centred_means(*in.k, keys);
    Branch sparse{.name = "sparse"};
    for (int64_t h = 0; h < heads; ++h) {
      const HeadMatrix a(q, h), b(k, in.kv_head(h));
      const auto map = choose_blocks(
          a, b, 1, [&](int64_t, std::span<const float> row) { return top_k(row, topk); });
      sparse.tables.push_back(block_table(queries, keys, map.data()));
      if (!in.explain) continue;
      explain_head("block_map", {heads, nq, nk}, map, plan);
      explain_head("pooled_score", {heads, nq, nk}, scores(a, b, 1), plan);
    }
    return sparse;
  }

  static LinearTerm linear_term(const Inputs& in, const SlaParams& p, Plan& plan) {
    const StageTimer timer(plan, "features",
                           4.0 * static_cast<double>(in.q->size() + in.k->size()));
    const int64_t dim = in.value_dim();
    const FeatureMap map = find_feature_map(p.feature_map);
    return {.name = "linear",
            .q = features(*in.q, map),
            .k = features(*in.k, map),
            .map = map,
            .epsilon = static_cast<float>(p.linear_eps),
            .projection = learned(in, "proj_weight", dim * dim),
            .bias = learned(in, "proj_bias", dim)};
  }
};

const RegisterBackend<Sla> registered_sla;

}  // namespace
}  // namespace vidattn
