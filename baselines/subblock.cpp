#include <algorithm>
#include <cmath>

#include "attention/blas.h"
#include "attention/error.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/block_scores.h"
#include "baselines/blocks.h"
#include "baselines/near_ties.h"

namespace vidattn {
namespace {

struct SubblockParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "SGLang, vLLM-Omni";
  int64_t block = integer("block", 64, "Consecutive tokens of a block; the last may be short.",
                          kCode, 1, 1 << 30);
  int64_t n_q = integer("n_q", 4, "Sub-blocks of a block of queries.", kCode, 1, 1 << 30);
  int64_t n_k = integer("n_k", 4, "Sub-blocks of a block of keys.", kCode, 1, 1 << 30);
  double sparsity = real("sparsity", 0.75,
                         "Share of the key blocks behind the prefix that is left out; at least one "
                         "stays.",
                         "SGLang: 0.75", 0, 1);
  int64_t granularity =
      integer("granularity", 8, "The number of kept blocks is rounded up to a multiple of this.",
              kCode, 1, 1 << 30);
  int64_t prefix_length =
      integer("prefix_length", 0,
              "Tokens that stand before the video in the model's sequence and whose blocks of keys "
              "are kept "
              "in any case, beside the others; in the call they follow the video.",
              "vLLM-Omni", 0);
  int64_t topk = integer("topk", 0, "Kept blocks, for checking only; 0 = not checked.", "", 0);
  int64_t prefix_blocks = integer(
      "prefix_blocks", 0, "Blocks of the prefix, for checking only; 0 = not checked.", "", 0);

  /// Key blocks that are always kept, of `blocks`.
  int64_t always_kept(int64_t blocks) const {
    return std::min(blocks, (prefix_length + block - 1) / block);
  }
  /// How many of the `others` are kept beside them.
  int64_t budget(int64_t others) const {
    const auto share =
        static_cast<int64_t>(std::ceil((1 - sparsity) * static_cast<double>(others)));
    const int64_t least = std::max<int64_t>(1, share);
    return std::min(others, (least + granularity - 1) / granularity * granularity);
  }
};

/// Number of parts of every block of `block` tokens; the last one has those that exist.
int64_t part_size(int64_t block, int64_t parts, const char* name) {
  if (block % parts != 0)
    throw InputError("subblock: " + std::string(name) + "=" + std::to_string(parts) +
                     " does not divide a block of " + std::to_string(block));
  return block / parts;
}

/// Consecutive runs of `size` tokens of the model's sequence, in which the call's last `prefix`
/// tokens stand first.
Blocks sequence_blocks(int64_t length, int64_t prefix, int64_t size) {
  if (prefix == 0) return run_blocks(length, size);
  std::vector<int32_t> label(length);
  for (int64_t i = 0; i < length; ++i)
    label[i] = static_cast<int32_t>((i + prefix) % length / size);
  return make_blocks(std::move(label), (length + size - 1) / size);
}

void check_prefix(const Inputs& in, int64_t prefix) {
  const int64_t most = in.grid.known() ? in.grid.text_tokens : in.length() - 1;
  if (prefix > most)
    throw InputError("subblock: prefix_length is " + std::to_string(prefix) + ", but " +
                     std::to_string(most) + " tokens can stand before the video");
}

/// SubBlock (KeySplit in vLLM-Omni): a key block is scored for a query block by the log of the sum
/// of exp(score) over all pairs of their parts' means, which sees a few good keys where one mean of
/// the whole block hides them; every query block keeps the key blocks of largest score.
///
/// With a prefix_length the blocks of the prefix are always kept, and its queries choose like all
/// others. Without one, the frame keeps text behind the video visible to all and lets it see
/// everything.
class Subblock : public Method<SubblockParams> {
 public:
  std::string name() const override { return "subblock"; }

  BackendInfo describe() const override {
    return {.title = "key blocks by the log-sum-exp over the means of their parts, top-k",
            .paper = "SGLang, pull request 34148; vLLM-Omni",
            .plans_from = PlansFrom::own_head,
            .presets = {{"minimax-h3",
                         {{"block", "64"},
                          {"n_q", "4"},
                          {"n_k", "4"},
                          {"sparsity", "0.75"},
                          {"granularity", "8"},
                          {"dense_steps", "10"}}}},
            .knob = {"sparsity", 1, 0},
            .warm_up = DenseWarmUp{.steps = 10, .source = "SGLang: first 10 steps"}};
  }

  /// Then without the rounding up, then with smaller blocks as far as their parts go.
  std::vector<DensityKnob> knobs(const Inputs&, const SubblockParams& p) const override {
    DensityKnob fine = info().knob;
    fine.settings = {{"granularity", "1"}};
    std::vector<DensityKnob> all{info().knob};
    for (DensityKnob& knob : with_smaller_blocks(fine, "block", p.block, 16)) {
      const int64_t size =
          knob.settings.size() > 1 ? std::stoll(knob.settings.back().second) : p.block;
      if (size % p.n_q == 0 && size % p.n_k == 0) all.push_back(std::move(knob));
    }
    return all;
  }

  Plan make_plan(const Inputs& in, const SubblockParams& p) const override {
    check_prefix(in, p.prefix_length);
    const auto cut = [&](int64_t size) {
      return sequence_blocks(in.length(), p.prefix_length, size);
    };
    const Blocks blocks = cut(p.block);
    const Blocks q_parts = cut(part_size(p.block, p.n_q, "n_q"));
    const Blocks k_parts = cut(part_size(p.block, p.n_k, "n_k"));
    Plan plan;
    const auto [q, k] = means(in, q_parts, k_parts, plan);
    const int64_t n = blocks.count();
    Branch branch{.name = "subblock"};
    std::vector<float> scores(in.explain ? n * n : 0);
    for (int64_t h = 0; h < in.heads(); ++h) {
      const auto map = choose(in, h, p, n, q, k, in.explain ? scores.data() : nullptr, plan);
      branch.tables.push_back(block_table(blocks, blocks, map.data()));
      if (!in.explain) continue;
      explain_head("block_map", {in.heads(), n, n}, map, plan);
      explain_head("score", {in.heads(), n, n}, scores, plan);
    }
    plan.branches.push_back(std::move(branch));
    return plan;
  }

  Facts facts(const Inputs& in, const SubblockParams& p, const Plan&) const override {
    const int64_t n = (in.length() + p.block - 1) / p.block, kept = p.always_kept(n);
    return {{"topk", p.budget(n - kept)}, {"prefix_blocks", kept}};
  }

 protected:
  bool takes_text(const SubblockParams& p) const override { return p.prefix_length > 0; }

 private:
  struct Means {
    Tensor q, k;
  };

  static Means means(const Inputs& in, const Blocks& q_parts, const Blocks& k_parts, Plan& plan) {
    const StageTimer timer(
        plan, "means of parts", static_cast<double>(in.q->size() + in.k->size()),
        (q_parts.count() * in.heads() + k_parts.count() * in.kv_heads()) * in.dim() * 4);
    return {block_means(*in.q, q_parts), block_means(*in.k, k_parts)};
  }

  /// log sum exp of a block of part scores: `rows` rows of `columns`, `stride` apart.
  static float log_sum_exp(const float* scores, int64_t rows, int64_t columns, int64_t stride) {
    float highest = scores[0];
    for (int64_t x = 0; x < rows; ++x)
      for (int64_t y = 0; y < columns; ++y) highest = std::max(highest, scores[x * stride + y]);
    float sum = 0;
    for (int64_t x = 0; x < rows; ++x)
      for (int64_t y = 0; y < columns; ++y) sum += std::exp(scores[x * stride + y] - highest);
    return highest + std::log(sum);
  }

  /// [n,n] map of one head. Part scores exist for about 256 rows at a time.
  static std::vector<uint8_t> choose(const Inputs& in, int64_t h, const SubblockParams& p,
                                     int64_t n, const Tensor& q_means, const Tensor& k_means,
                                     float* explained, Plan& plan) {
    const HeadMatrix q(q_means, h), k(k_means, in.kv_head(h));
    const int64_t step = std::max<int64_t>(1, 256 / p.n_q);  // query blocks
    const int64_t most = std::min(step * p.n_q, q.rows()), columns = k.rows();
    const StageTimer timer(
        plan, "block selection",
        2.0 * static_cast<double>(q.rows() * columns) * static_cast<double>(in.dim()),
        n * n + most * columns * 4);
    std::vector<uint8_t> map(n * n);
    std::vector<float> parts(most * columns);
    for (int64_t first = 0; first < n; first += step) {
      const int64_t begin = first * p.n_q, rows = std::min(most, q.rows() - begin);
      gemm_nt(rows, columns, in.dim(), q.row(begin), q.stride(), k.row(0), k.stride(), parts.data(),
              columns, static_cast<float>(in.softmax_scale()));
      const auto choose_row = [&](int64_t a) {
        const int64_t from = (a - first) * p.n_q, height = std::min(p.n_q, rows - from);
        std::vector<float> score(n);
        for (int64_t b = 0; b < n; ++b)
          score[b] = log_sum_exp(&parts[from * columns + b * p.n_k], height,
                                 std::min(p.n_k, columns - b * p.n_k), columns);
        if (explained) std::copy(score.begin(), score.end(), explained + a * n);
        keep(score, p, &map[a * n]);
      };
      RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
      for (int64_t a = first; a < std::min(n, first + step); ++a)
        errors.catching([&] { choose_row(a); });
      errors.rethrow();
    }
    return map;
  }

  static void keep(std::span<const float> score, const SubblockParams& p, uint8_t* kept) {
    const int64_t always = p.always_kept(static_cast<int64_t>(score.size()));
    std::fill(kept, kept + always, 1);
    const auto others = score.subspan(always);
    const int64_t budget = p.budget(static_cast<int64_t>(others.size()));
    for (const int32_t b : near_top_k(others, budget, score_tolerance(score))) kept[always + b] = 1;
  }
};

const RegisterBackend<Subblock> registered_subblock;

}  // namespace
}  // namespace vidattn
