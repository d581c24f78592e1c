#include <algorithm>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/blocks.h"
#include "baselines/select.h"
#include "baselines/tile_means.h"

namespace vidattn {
namespace {

struct VsaParams : ParamFields {
  using ParamFields::ParamFields;
  Sizes tile =
      integers("tile", {4, 4, 4}, "Tile size: frames, rows, columns.", "VSA §2.3; FastVideo", 1);
  double sparsity =
      real("sparsity", 0.9, "Share of key tiles left out of the fine branch; at least one stays.",
           "FastVideo: 0.9, distilled models 0.8", 0, 1);
  bool sparsity_given = given("sparsity");
  int64_t topk = integer("topk", 0, "Key tiles per query tile; 0 = from sparsity.", "VSA §2.2", 0);
  std::vector<int64_t> num_tiles =
      integers("num_tiles", "Tiles per axis, for checking only; empty = not checked.", "", 1);
  std::string gate = text(
      "gate", "",
      "Says in words whether a gate is given (given … or none …); checked against the inputs.");
};

int64_t kept_tiles(const VsaParams& p, int64_t tiles) {
  const int64_t by_sparsity = tiles_by_sparsity(p.sparsity, tiles);
  if (p.topk == 0) return by_sparsity;
  if (p.sparsity_given && p.topk != by_sparsity)
    throw InputError("vsa: topk=" + std::to_string(p.topk) + " contradicts sparsity=" +
                     to_text(p.sparsity) + ", which keeps " + std::to_string(by_sparsity) + " of " +
                     std::to_string(tiles) + " tiles: give one of them");
  return std::min(p.topk, tiles);
}

/// Video sparse attention (Zhang et al. 2025): a coarse branch attends between the means of tiles,
/// and the key tiles with the highest coarse scores are attended token by token. The output is
/// fine + gate * coarse of the token's tile, without a gate fine + coarse. Border tiles of a grid
/// that the tile does not divide hold fewer tokens; nothing is padded.
class Vsa : public Method<VsaParams> {
 public:
  std::string name() const override { return "vsa"; }

  BackendInfo describe() const override {
    const std::vector<std::pair<std::string, std::string>> wan{{"tile", "4,4,4"},
                                                               {"sparsity", "0.9"}};
    return {.title = "top-k space-time tiles by pooled scores, plus attention between tile means",
            .paper = "Zhang et al. 2025, arXiv 2505.13389",
            .needs_grid = true,
            .takes_text = false,
            .plans_from = PlansFrom::own_head,
            .takes_width = false,
            .inputs = {{"gate", "[L,H,D]",
                        "Multiplies the coarse branch; without it the branch is added as is."}},
            .presets = {{"wan1.3b-480p", wan}, {"wan14b-480p", wan}, {"wan14b-720p", wan}},
            .knob = {"sparsity", 1, 0}};
  }

  Plan make_plan(const Inputs& in, const VsaParams& p) const override {
    const auto gate = find_gate(in, name());
    const Blocks tiles = tile_blocks(in.grid, p.tile);
    const int64_t topk = kept_tiles(p, tiles.count());
    Plan plan;
    const BlockMeans means = pool_blocks(in, tiles, "tile means", plan);
    plan.branches.push_back(fine_branch(in, tiles, means, topk, plan));
    plan.branches.push_back(coarse_branch(tiles, means, gate));
    if (in.explain) explain_tiles(in, tiles, means, plan);
    return plan;
  }

  std::map<std::string, Array> input_gradients_of(const Inputs& in, const VsaParams&,
                                                  const Plan& plan,
                                                  const Gradients& gradients) const override {
    return gate_gradient(in, plan, gradients);
  }

  Facts facts(const Inputs& in, const VsaParams& p, const Plan&) const override {
    const Sizes n = tile_counts(in.grid, p.tile);
    return {{"num_tiles", std::vector<double>(n.begin(), n.end())},
            {"gate", std::string(in.find("gate") ? "given" : "none")}};
  }

 private:
  static Branch fine_branch(const Inputs& in, const Blocks& tiles, const BlockMeans& means,
                            int64_t topk, Plan& plan) {
    const int64_t n = tiles.count(), heads = in.heads();
    const StageTimer timer(plan, "tile selection",
                           2.0 * static_cast<double>(n * n * in.dim() * heads),
                           n * n + std::min<int64_t>(n, 256) * n * 4);
    std::vector<uint8_t> maps;
    Branch fine{.name = "fine"};
    for (int64_t h = 0; h < heads; ++h) {
      const auto map = choose_blocks(
          HeadMatrix(*means.q, h), HeadMatrix(*means.k, in.kv_head(h)), in.softmax_scale(),
          [&](int64_t, std::span<const float> s) { return top_k(s, topk); });
      fine.tables.push_back(block_table(tiles, tiles, map.data()));
      if (in.explain) maps.insert(maps.end(), map.begin(), map.end());
    }
    if (in.explain) plan.explained["tile_map"] = {{heads, n, n}, std::move(maps)};
    return fine;
  }
};

const RegisterBackend<Vsa> registered_vsa;

}  // namespace
}  // namespace vidattn
