#include <algorithm>
#include <numeric>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/block_scores.h"
#include "baselines/blocks.h"
#include "baselines/select.h"
#include "baselines/tile_means.h"

namespace vidattn {
namespace {

struct VsaH3Params : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "FastVideo, video_sparse_attn_h3.py";
  std::vector<int64_t> prefix_segments =
      integers("prefix_segments",
               "Lengths of the segments (text, condition frames, audio) that the tokens which are "
               "no video consist of, in their order; empty = they are one.",
               kCode, 0);
  Sizes tile = integers("tile", {4, 8, 8},
                        "Tile size: frames, rows, columns; a prefix segment is cut in chunks of as "
                        "many tokens. The authors have 4,8,8 and 4,4,4.",
                        kCode, 1, 65536);
  double sparsity = real("sparsity", 0.9,
                         "Share of video tiles that a video query tile leaves out; at least one "
                         "stays, and where all stay everything is dense.",
                         "FastVideo's value for VSA", 0, 1);
  std::string mode = choice("mode", {"exempt", "compete"},
                            "Prefix tiles are seen by all (exempt), or compete with the video's "
                            "for a budget that is larger by their number (compete).",
                            kCode);
  bool gate = flag("gate", true,
                   "Adds the coarse branch, times the input gate; false leaves it out. Without the "
                   "input it is left out, too, as the weight of an untrained gate is 0.",
                   kCode);
  bool gate_given = given("gate");
  int64_t prefix_tiles = integer(
      "prefix_tiles", -1, "Tiles of the prefix, for checking only; -1 = not checked.", "", -1);
  int64_t video_tiles = integer("video_tiles", -1,
                                "Tiles of the video, for checking only; -1 = not checked.", "", -1);
  int64_t topk = integer("topk", -1,
                         "Tiles that a video query tile keeps by their rank (all where everything "
                         "is dense), for checking only; -1 = not checked.",
                         "", -1);

  bool exempt() const { return mode == "exempt"; }
};

/// Tiles of the packed sequence: those of the prefix first, then those of the video.
struct PackedTiles {
  Blocks blocks;
  int64_t prefix = 0;

  int64_t count() const { return blocks.count(); }
  int64_t video() const { return count() - prefix; }
};

std::vector<int64_t> segments_of(const VsaH3Params& p, const VideoGrid& grid) {
  if (p.prefix_segments.empty()) return {grid.text_tokens};
  const int64_t sum =
      std::accumulate(p.prefix_segments.begin(), p.prefix_segments.end(), int64_t{0});
  if (sum != grid.text_tokens)
    throw InputError("vsa_h3: prefix_segments add up to " + std::to_string(sum) + ", but " +
                     std::to_string(grid.text_tokens) + " tokens are no video");
  return p.prefix_segments;
}

/// Chunks of segments never straddle two of them, and an empty segment has none.
PackedTiles packed_tiles(const VsaH3Params& p, const VideoGrid& grid) {
  const Blocks video = tile_blocks(grid, p.tile);
  const int64_t chunk = p.tile[0] * p.tile[1] * p.tile[2];
  std::vector<int32_t> label = video.label;
  int64_t token = grid.video_tokens();
  int32_t tiles = 0;
  for (const int64_t length : segments_of(p, grid)) {
    for (int64_t i = 0; i < length; ++i) label[token++] = tiles + static_cast<int32_t>(i / chunk);
    tiles += static_cast<int32_t>((length + chunk - 1) / chunk);
  }
  for (int64_t i = 0; i < grid.video_tokens(); ++i) label[i] += tiles;
  return {make_blocks(std::move(label), tiles + video.count()), tiles};
}

/// How a video query tile chooses.
struct Budget {
  int64_t ranked;  ///< tiles that it keeps by their rank
  int64_t first;   ///< of the tiles that are ranked: those before it are kept in any case
  bool everything = false;
};

Budget budget_of(const VsaH3Params& p, const PackedTiles& tiles) {
  const int64_t kept = tiles_by_sparsity(p.sparsity, tiles.video());
  if (kept == tiles.video()) return {tiles.count(), 0, true};
  if (p.exempt()) return {kept, tiles.prefix};
  return {std::min(kept + tiles.prefix, tiles.count()), 0};
}

std::vector<int32_t> kept_tiles(const Budget& budget, const PackedTiles& tiles, int64_t query,
                                std::span<const double> scores) {
  if (query < tiles.prefix || budget.everything) {
    std::vector<int32_t> all(tiles.count());
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  std::vector<int32_t> kept = top_k(scores.subspan(budget.first), budget.ranked);
  for (int32_t& tile : kept) tile += static_cast<int32_t>(budget.first);
  for (int32_t tile = 0; tile < budget.first; ++tile) kept.push_back(tile);
  return kept;
}

/// Video sparse attention for packed sequences, as MiniMax-H3's: tokens that are no video have
/// tiles of their own, their queries see everything, and a query tile of the video sees the video
/// tiles with the largest pooled scores. The frame puts the prefix behind the video; tiles are
/// numbered as in the packed sequence, the prefix's first.
class VsaH3 : public Method<VsaH3Params> {
 public:
  std::string name() const override { return "vsa_h3"; }

  BackendInfo describe() const override {
    return {.title = "VSA for packed sequences: top-k video tiles, tiles of the prefix seen by all",
            .paper = "Zhang et al. 2025, arXiv 2505.13389; FastVideo's form for MiniMax-H3",
            .needs_grid = true,
            .plans_from = PlansFrom::own_head,
            .takes_width = false,
            .inputs = {{"gate", "[L,H,D]",
                        "Multiplies the coarse branch; without it the branch is left out."}},
            .presets = {{"minimax-h3", {{"tile", "4,8,8"}, {"mode", "exempt"}}},
                        {"minimax-h3-tile64", {{"tile", "4,4,4"}, {"mode", "exempt"}}}},
            .knob = {"sparsity", 1, 0}};
  }

  std::vector<DensityKnob> knobs(const Inputs&, const VsaH3Params& p) const override {
    const DensityKnob& knob = info().knob;
    if (p.tile == Sizes{4, 4, 4}) return {knob};
    DensityKnob smaller = knob;
    smaller.settings.emplace_back("tile", "4,4,4");
    return {knob, smaller};
  }

  Plan make_plan(const Inputs& in, const VsaH3Params& p) const override {
    const auto gate = p.gate ? find_gate(in, name()) : nullptr;
    if (p.gate && p.gate_given && !gate)
      throw InputError("vsa_h3: gate=true needs the input 'gate', which was not given");
    const PackedTiles tiles = packed_tiles(p, in.grid);
    Plan plan;
    const BlockMeans means = pool_blocks(in, tiles.blocks, "tile means", plan);
    plan.branches.push_back(fine_branch(in, tiles, means, budget_of(p, tiles), plan));
    if (gate) plan.branches.push_back(coarse_branch(tiles.blocks, means, gate));
    if (in.explain) explain_tiles(in, tiles.blocks, means, plan);
    return plan;
  }

  std::map<std::string, Array> input_gradients_of(const Inputs& in, const VsaH3Params&,
                                                  const Plan& plan,
                                                  const Gradients& gradients) const override {
    return gate_gradient(in, plan, gradients);
  }

  Facts facts(const Inputs& in, const VsaH3Params& p, const Plan&) const override {
    const PackedTiles tiles = packed_tiles(p, in.grid);
    return {{"prefix_tiles", tiles.prefix},
            {"video_tiles", tiles.video()},
            {"topk", budget_of(p, tiles).ranked}};
  }

 private:
  static Branch fine_branch(const Inputs& in, const PackedTiles& tiles, const BlockMeans& means,
                            const Budget& budget, Plan& plan) {
    const int64_t n = tiles.count(), heads = in.heads();
    const StageTimer timer(plan, "tile selection",
                           score_flops(n, n, in.dim()) * static_cast<double>(heads), n * n);
    std::vector<float> scores;
    Branch fine{.name = "fine"};
    for (int64_t h = 0; h < heads; ++h) {
      const auto map = keep_blocks(
          HeadMatrix(*means.q, h), HeadMatrix(*means.k, in.kv_head(h)), in.softmax_scale(),
          [&](int64_t a, std::span<double> s) { return kept_tiles(budget, tiles, a, s); },
          in.explain ? &scores : nullptr);
      fine.tables.push_back(block_table(tiles.blocks, tiles.blocks, map.data()));
      if (!in.explain) continue;
      explain_head("block_map", {heads, n, n}, map, plan);
      explain_head("tile_score", {heads, n, n}, scores, plan);
    }
    return fine;
  }
};

const RegisterBackend<VsaH3> registered_vsa_h3;

}  // namespace
}  // namespace vidattn
