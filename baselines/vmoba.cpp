#include <algorithm>
#include <cmath>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/warmup.h"
#include "baselines/vmoba_select.h"

namespace vidattn {
namespace {

struct Chunks {
  Blocks blocks;
  int64_t topk;
};

std::vector<ParamSpec> parameters() {
  const std::string code = "VMoBA, public code", config = "public configuration for 480x832";
  std::vector<ParamSpec> params{
      {"chunk_kind",
       std::string("auto"),
       "Chunks along time (temporal), in space over all frames (spatial), or in both (st); auto: "
       "by "
       "the layer's place in the cycle, temporal outside of a run.",
       code,
       {},
       {},
       {"auto", "temporal", "spatial", "st"}},
      {"chunk_size", std::vector<double>{},
       "Chunk of a fixed chunk_kind: frames (may be fractional), rows,columns or "
       "frames,rows,columns; empty = the size of that kind below.",
       code, 0},
      {"temporal_chunk_size", 2.0, "Latent frames per temporal chunk.", config, 0},
      {"spatial_chunk_size", std::vector<double>{3, 4}, "Rows,columns.", config, 1},
      {"st_chunk_size", std::vector<double>{4, 6, 4}, "Frames,rows,columns.", config, 1},
      {"ragged", true,
       "Let border chunks be short where a spatial or st chunk does not divide the grid; the "
       "public "
       "code has no such grids, and false refuses them.",
       "-"},
      {"select_mode",
       std::string("threshold"),
       "How many chunks: threshold or topk.",
       config,
       {},
       {},
       {"threshold", "topk"}},
      {"scope",
       std::string("query_head"),
       "What is ranked together: the chunks of a query and head, the (chunk, query) pairs of a "
       "head, all of them, or the (head, query) pairs of a chunk (block, as in the public code; "
       "threshold only).",
       config,
       {},
       {},
       {"query_head", "head_global", "overall", "block"}},
      {"threshold", 0.25, "Share of the summed normalized gates to reach; 1 selects all.", config,
       0},
      {"topk", int64_t{0}, "Chunks per query, its own counted; 0 = those of the kind below.", code,
       0},
      {"temporal_topk", int64_t{3}, "For temporal chunks.", config, 1},
      {"spatial_topk", int64_t{20}, "For spatial chunks.", config, 1},
      {"st_topk", int64_t{15}, "For st chunks.", config, 1},
      {"temporal_layer", int64_t{1}, "Layers with temporal chunks in a cycle.", config, 0, 4096},
      {"spatial_layer", int64_t{1}, "Then layers with spatial chunks.", config, 0, 4096},
      {"st_layer", int64_t{1}, "Then layers with st chunks.", config, 0, 4096},
      {"first_full_layer", int64_t{0}, "First layers that stay dense; the cycle starts there.",
       config, 0, 1 << 20}};
  const auto warmup = warmup_params({.steps = 12}, config);
  params.insert(params.end(), warmup.begin(), warmup.end());
  return params;
}

/// Video mixture of block attention: chunks in time, space or both by layer; every query sees its
/// own chunk and those whose gate q·mean(k) ranks high.
class Vmoba : public Backend {
 public:
  std::string name() const override { return "vmoba"; }

  const BackendInfo& info() const override {
    static const BackendInfo info{
        "own chunk and chunks of large q·mean(k); chunks in time, space or both by layer",
        "Wu et al. 2025, arXiv 2506.23858",
        parameters(),
        {},
        {{"wan1.3b-480p", {}},
         {"wan1.3b-448p",
          {{"spatial_chunk_size", "4,13"},
           {"st_chunk_size", "4,4,13"},
           {"select_mode", "topk"},
           {"temporal_topk", "2"},
           {"spatial_topk", "6"},
           {"st_topk", "18"}}}},
        {"threshold", 0, 1}};
    return info;
  }

  Plan plan(const Inputs& in, const Params& params) const override {
    if (dense_by_warmup(in.context, warmup(params))) return full_plan(in);
    in.need_grid("vmoba");
    if (in.grid.text_tokens > 0) throw InputError("vmoba does not take text tokens");
    const Chunks chunks = cut(in, params);
    const ChunkRule rule = rule_of(params, chunks);
    if (rule.by_threshold && rule.threshold >= 1) return select_all(in, chunks.blocks);
    Plan plan;
    const auto chosen = select(in, chunks.blocks, rule, plan);
    Branch branch{.name = "vmoba", .repeats_queries = true};
    for (const Selection& head : chosen)
      branch.tables.push_back(own_and_selected(chunks.blocks, head, false));
    plan.branches.push_back(std::move(branch));
    if (in.explain) explain(chunks.blocks, chosen, plan);
    return plan;
  }

  /// The layer's chunk_kind; "full" before first_full_layer.
  std::map<std::string, ParamValue> derived(const Params& params,
                                            const StepContext& context) const override {
    const bool dense = context.layer >= 0 && context.layer < params.integer("first_full_layer");
    return {{"chunk_kind", dense ? "full" : kind_of(params, context)}};
  }

  double run_density(const Params& params, double density, int64_t steps,
                     int64_t layers) const override {
    return density_with_warmup(warmup(params), density, steps, layers);
  }

 private:
  static Params warmup(const Params& params) {
    Params all = params;
    all.set("dense_layers", std::to_string(std::max(params.integer("dense_layers"),
                                                    params.integer("first_full_layer"))));
    return all;
  }

  static std::string kind_of(const Params& params, const StepContext& context) {
    if (params.text("chunk_kind") != "auto") return params.text("chunk_kind");
    const int64_t temporal = params.integer("temporal_layer");
    const int64_t spatial = params.integer("spatial_layer");
    const int64_t cycle = temporal + spatial + params.integer("st_layer");
    if (cycle == 0)
      throw InputError("vmoba: one of temporal_layer, spatial_layer and st_layer must be above 0");
    const int64_t first = params.integer("first_full_layer");
    const int64_t m = (std::max(context.layer, first) - first) % cycle;
    return m < temporal ? "temporal" : m < temporal + spatial ? "spatial" : "st";
  }

  static Chunks cut(const Inputs& in, const Params& params) {
    const std::string kind = kind_of(params, in.context);
    const bool own_size = !params.list("chunk_size").empty();
    if (own_size && params.text("chunk_kind") == "auto")
      throw InputError("vmoba: chunk_size needs a chunk_kind; with auto set " + kind +
                       "_chunk_size and those of the other kinds");
    int64_t topk = params.integer("topk");
    if (topk == 0) topk = params.integer(kind + "_topk");
    if (kind == "temporal") {
      const auto& size = params.list("chunk_size");
      if (size.size() > 1)
        throw InputError("vmoba: a temporal chunk_size is one number, of latent frames");
      const double frames = own_size ? size[0] : params.real("temporal_chunk_size");
      const double tokens = std::floor(frames * static_cast<double>(in.grid.frame_size()));
      if (tokens < 1) throw InputError("vmoba: a temporal chunk must hold at least one token");
      const auto run = static_cast<int64_t>(std::min(tokens, static_cast<double>(in.length())));
      return {run_blocks(in.length(), run), topk};
    }
    auto tile = params.integers(own_size ? "chunk_size" : kind + "_chunk_size");
    const size_t axes = kind == "spatial" ? 2 : 3;
    if (tile.size() != axes || *std::min_element(tile.begin(), tile.end()) < 1)
      throw InputError("vmoba: the " + kind + " chunk size is " + std::to_string(axes) +
                       " whole numbers above 0");
    if (axes == 2) tile.insert(tile.begin(), in.grid.frames);
    const VideoGrid& grid = in.grid;
    if (!params.flag("ragged") &&
        (grid.frames % tile[0] != 0 || grid.height % tile[1] != 0 || grid.width % tile[2] != 0))
      throw InputError("vmoba: the " + kind +
                       " chunk does not divide the grid; ragged=true allows "
                       "short chunks at the border");
    return {tile_blocks(grid, {tile[0], tile[1], tile[2]}), topk};
  }

  static ChunkRule rule_of(const Params& params, const Chunks& chunks) {
    const ChunkRule rule{params.text("select_mode") == "threshold", params.text("scope"),
                         params.real("threshold"), std::min(chunks.topk, chunks.blocks.count())};
    if (!rule.by_threshold && rule.scope == "block")
      throw InputError("vmoba: scope block exists for select_mode threshold only");
    return rule;
  }

  static std::vector<Selection> select(const Inputs& in, const Blocks& blocks,
                                       const ChunkRule& rule, Plan& plan) {
    Tensor means;
    {
      const StageTimer timer(plan, "chunk means", static_cast<double>(in.k->size()),
                             blocks.count() * in.kv_heads() * in.dim() * 4);
      means = block_means(*in.k, blocks);
    }
    const StageTimer timer(
        plan, "gate and selection",
        2.0 * static_cast<double>(selection_passes(rule) * in.q->size() * blocks.count()),
        gate_bytes(blocks.count()) + in.heads() * Selection::bytes(in.length(), blocks.count()));
    return select_chunks(in, means, blocks, rule);
  }

  static void explain(const Blocks& blocks, const std::vector<Selection>& chosen, Plan& plan) {
    plan.explained["chunk_label"] = {{static_cast<int64_t>(blocks.label.size())}, blocks.label};
    plan.explained["select"] = selection_array(chosen, blocks);
  }

  /// A threshold of 1 would be reached by rounding only, so that it stands for everything.
  static Plan select_all(const Inputs& in, const Blocks& blocks) {
    Plan plan = full_plan(in);
    plan.branches[0].name = "vmoba";
    if (!in.explain) return plan;
    Selection all(in.length(), blocks.count());
    for (int64_t i = 0; i < in.length(); ++i)
      for (int64_t c = 0; c < blocks.count(); ++c) all.set(i, c);
    explain(blocks, std::vector<Selection>(in.heads(), all), plan);
    return plan;
  }
};

const RegisterBackend<Vmoba> registered;

}  // namespace
}  // namespace vidattn
