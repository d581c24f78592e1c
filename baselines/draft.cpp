#include <algorithm>
#include <array>

#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/block_scores.h"
#include "baselines/blocks.h"
#include "baselines/near_ties.h"
#include "baselines/ranking.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

struct DraftParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kOption = "LightX2V";
  std::array<int64_t, 2> pool =
      integers("pool", {8, 16}, "Rows and columns of a block, which is one frame deep.",
               "public code: 8,16, so that a block has 128 tokens", 1, 65536);
  double sparsity = real("sparsity", 0.9,
                         "Share of a head's pairs of blocks, the least probable ones, that is left "
                         "out.",
                         "public code: 0.9, for Wan and in LightX2V 0.75", 0, 1);
  bool sink_frame =
      flag("sink_frame", false, "Every query sees the first frame in any case.", kOption);
  bool same_frame =
      flag("same_frame", false, "Every query sees its own frame in any case.", kOption);
  int64_t text_length =
      integer("text_length", -1, "Text tokens, for checking only; -1 = not checked.", "", -1);
  int64_t dropped = integer(
      "dropped", 0, "Rank of the threshold from below, for checking only; 0 = not checked.", "", 0);

  /// Rank, from below, of the pair that sets the threshold among blocks x blocks; 0 = none does. In
  /// double precision as the authors write it.
  int64_t threshold_rank(int64_t blocks) const {
    const double kept = 1.0 - sparsity, n = static_cast<double>(blocks);
    return static_cast<int64_t>((1.0 - kept) * n * n);
  }
};

/// Draft attention (Shen et al. 2025): attention between the means of blocks of a frame; of all its
/// probabilities of a head, whatever the query, the least ones are left out. So a query block can
/// be left without any key: its output is 0. Text is a block of its own, which sees and is seen by
/// all. Probabilities that differ from the threshold by rounding alone (1e-5) are kept, too. The
/// published code needs a pool that divides height and width; here border blocks are smaller.
class Draft : public Method<DraftParams> {
 public:
  std::string name() const override { return "draft"; }

  BackendInfo describe() const override {
    return {.title = "patches of a frame by pooled probability, one threshold per head",
            .paper = "Shen et al. 2025, arXiv 2505.14708",
            .needs_grid = true,
            .plans_from = PlansFrom::own_head,
            .presets = {{"wan14b-768p",
                         {{"pool", "8,16"}, {"sparsity", "0.75"}, {"dense_layers", "1"}}},
                        {"hunyuan-768p", {{"pool", "8,16"}, {"sparsity", "0.9"}}},
                        {"lightx2v",
                         {{"pool", "8,16"},
                          {"sparsity", "0.75"},
                          {"sink_frame", "true"},
                          {"same_frame", "true"}}}},
            .knob = {"sparsity", 1, 0},
            .warm_up = DenseWarmUp{.source = "public code, Wan: the first layer"}};
  }

  /// Then with smaller blocks.
  std::vector<DensityKnob> knobs(const Inputs&, const DraftParams& p) const override {
    std::vector<DensityKnob> all{info().knob};
    for (int64_t part = 2; p.pool[0] / part >= 2 && p.pool[1] / part >= 2; part *= 2) {
      all.push_back(info().knob);
      all.back().settings = {
          {"pool", std::to_string(p.pool[0] / part) + "," + std::to_string(p.pool[1] / part)}};
    }
    return all;
  }

  Plan make_plan(const Inputs& in, const DraftParams& p) const override {
    const Sizes patch{1, p.pool[0], p.pool[1]};
    const Blocks video = tile_blocks(in.grid, patch);
    const Blocks all = with_text(video);
    const Sizes counts = tile_counts(in.grid, patch);
    const int64_t s = video.count(), n = all.count();
    Plan plan;
    const auto [q, k] = means(in, video, plan);
    Branch branch{.name = "draft"};
    for (int64_t h = 0; h < in.heads(); ++h) {
      const StageTimer timer(plan, "draft map",
                             2.0 * static_cast<double>(s * s) * static_cast<double>(in.dim()),
                             n * n + s * s * 4);
      const std::vector<float> draft = draft_map(in, h, q, k);
      const auto map = choose(draft, s, n, counts[1] * counts[2], p);
      branch.tables.push_back(block_table(all, all, map.data()));
      if (!in.explain) continue;
      explain_head("block_map", {in.heads(), n, n}, map, plan);
      explain_head("draft_map", {in.heads(), s, s}, draft, plan);
    }
    plan.branches.push_back(std::move(branch));
    if (in.explain) plan.explained["block_label"] = {{in.length()}, all.label};
    return plan;
  }

  Facts facts(const Inputs& in, const DraftParams& p, const Plan&) const override {
    const Sizes n = tile_counts(in.grid, {1, p.pool[0], p.pool[1]});
    return {{"text_length", in.grid.text_tokens},
            {"dropped", p.threshold_rank(n[0] * n[1] * n[2])}};
  }

 private:
  struct Means {
    Tensor q, k;
  };

  /// The same blocks, and one more for tokens that are in none.
  static Blocks with_text(const Blocks& video) {
    std::vector<int32_t> label = video.label;
    const auto text = static_cast<int32_t>(video.count());
    std::replace(label.begin(), label.end(), -1, text);
    const bool any = !label.empty() && label.back() == text;
    return make_blocks(std::move(label), text + (any ? 1 : 0));
  }

  static Means means(const Inputs& in, const Blocks& video, Plan& plan) {
    const StageTimer timer(plan, "block means", static_cast<double>(in.q->size() + in.k->size()),
                           video.count() * (in.heads() + in.kv_heads()) * in.dim() * 4);
    return {block_means(*in.q, video), block_means(*in.k, video)};
  }

  /// Probabilities [s,s] of one head.
  static std::vector<float> draft_map(const Inputs& in, int64_t h, const Tensor& q,
                                      const Tensor& k) {
    const int64_t s = q.length();
    std::vector<float> map =
        scores(HeadMatrix(q, h), HeadMatrix(k, in.kv_head(h)), in.softmax_scale());
    RegionErrors errors;
#pragma omp parallel for schedule(static)
    for (int64_t a = 0; a < s; ++a)
      errors.catching([&] {
        const auto row = softmax({&map[a * s], static_cast<size_t>(s)});
        std::copy(row.begin(), row.end(), &map[a * s]);
      });
    errors.rethrow();
    return map;
  }

  /// What a probability must be at least.
  static float threshold(const std::vector<float>& draft, int64_t rank) {
    if (rank == 0) return 0;
    Ranking ranking;
    const auto kept = static_cast<int64_t>(draft.size()) - rank + 1;
    for (int pass = 0; pass < Ranking::kPasses; ++pass) {
      for (const float value : draft) ranking.add(value);
      ranking.narrow([&](int64_t count, double) { return count >= kept; });
    }
    const auto at =
        std::find_if(draft.begin(), draft.end(), [&](float value) { return ranking.equal(value); });
    return *at * (1 - kMassTolerance.relative);
  }

  static std::vector<uint8_t> choose(const std::vector<float>& draft, int64_t s, int64_t n,
                                     int64_t blocks_of_frame, const DraftParams& p) {
    const float least = threshold(draft, p.threshold_rank(s));
    std::vector<uint8_t> map(n * n, 1);
#pragma omp parallel for schedule(static)
    for (int64_t a = 0; a < s; ++a)
      for (int64_t b = 0; b < s; ++b)
        map[a * n + b] = draft[a * s + b] >= least || (p.sink_frame && b < blocks_of_frame) ||
                         (p.same_frame && a / blocks_of_frame == b / blocks_of_frame);
    return map;
  }
};

const RegisterBackend<Draft> registered_draft;

}  // namespace
}  // namespace vidattn
