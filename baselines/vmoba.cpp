#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/vmoba_select.h"

namespace vidattn {
namespace {

constexpr double kMostChunks = 65536;

struct VmobaChunks {
  Blocks blocks;
  int64_t topk;
};

struct VmobaParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "VMoBA, public code";
  static constexpr const char* kConfig = "public configuration for 480x832";
  std::string chunk_kind =
      choice("chunk_kind", {"auto", "temporal", "spatial", "st"},
             "Chunks along time (temporal), in space over all frames (spatial), or in both (st); "
             "auto: by the layer's place in the cycle, temporal outside of a run.",
             kCode);
  std::vector<double> chunk_size =
      reals("chunk_size",
            "Chunk of a fixed chunk_kind: frames (may be fractional), rows,columns or "
            "frames,rows,columns; empty = the size of that kind below.",
            kCode, 0);
  double temporal_chunk_size =
      real("temporal_chunk_size", 2, "Latent frames per temporal chunk.", kConfig, 0);
  std::array<int64_t, 2> spatial_chunk_size =
      integers("spatial_chunk_size", {3, 4}, "Rows,columns.", kConfig, 1);
  Sizes st_chunk_size = integers("st_chunk_size", {4, 6, 4}, "Frames,rows,columns.", kConfig, 1);
  bool ragged = flag("ragged", true,
                     "Let border chunks be short where a spatial or st chunk does not divide the "
                     "grid; the public code has no such grids, and false refuses them.",
                     "-");
  std::string select_mode =
      choice("select_mode", {"threshold", "topk"}, "How many chunks: threshold or topk.", kConfig);
  std::string scope = choice("scope", {"query_head", "head_global", "overall", "block"},
                             "What is ranked together: the chunks of a query and head, the (chunk, "
                             "query) pairs of a head, all of them, or the (head, query) pairs of a "
                             "chunk (block, as in the public code; threshold only).",
                             kConfig);
  double threshold =
      real("threshold", 0.25, "Share of the summed normalized gates to reach; 1 selects all.",
           kConfig, 0);
  int64_t topk = integer(
      "topk", 0, "Chunks per query, its own counted; 0 = those of the kind below.", kCode, 0);
  int64_t temporal_topk = integer("temporal_topk", 3, "For temporal chunks.", kConfig, 1);
  int64_t spatial_topk = integer("spatial_topk", 20, "For spatial chunks.", kConfig, 1);
  int64_t st_topk = integer("st_topk", 15, "For st chunks.", kConfig, 1);
  int64_t temporal_layer =
      integer("temporal_layer", 1, "Layers with temporal chunks in a cycle.", kConfig, 0, 4096);
  int64_t spatial_layer =
      integer("spatial_layer", 1, "Then layers with spatial chunks.", kConfig, 0, 4096);
  int64_t st_layer = integer("st_layer", 1, "Then layers with st chunks.", kConfig, 0, 4096);
  int64_t first_full_layer =
      integer("first_full_layer", 0, "First layers that stay dense; the cycle starts there.",
              kConfig, 0, 1 << 20);
};

std::string kind_of(const VmobaParams& p, const StepContext& context) {
  if (p.chunk_kind != "auto") return p.chunk_kind;
  const int64_t cycle = p.temporal_layer + p.spatial_layer + p.st_layer;
  if (cycle == 0)
    throw InputError("vmoba: one of temporal_layer, spatial_layer and st_layer must be above 0");
  const int64_t m = (std::max(context.layer, p.first_full_layer) - p.first_full_layer) % cycle;
  return m < p.temporal_layer                     ? "temporal"
         : m < p.temporal_layer + p.spatial_layer ? "spatial"
                                                  : "st";
}

/// Whether layers are of several kinds.
bool is_mixed(const VmobaParams& p) {
  const int kinds = (p.temporal_layer > 0) + (p.spatial_layer > 0) + (p.st_layer > 0);
  return p.chunk_kind == "auto" && kinds > 1;
}

Blocks temporal_chunks(const Inputs& in, const VmobaParams& p) {
  if (p.chunk_size.size() > 1)
    throw InputError("vmoba: a temporal chunk_size is one number, of latent frames");
  const double frames = p.chunk_size.empty() ? p.temporal_chunk_size : p.chunk_size[0];
  const double tokens = std::floor(frames * static_cast<double>(in.grid.frame_size()));
  if (tokens < 1) throw InputError("vmoba: a temporal chunk must hold at least one token");
  const double length = static_cast<double>(in.length());
  return run_blocks(in.length(), static_cast<int64_t>(std::min(tokens, length)));
}

/// Frames, rows and columns of a spatial or st chunk; a spatial one has all frames.
Sizes chunk_tile(const VmobaParams& p, const std::string& kind, int64_t frames) {
  const bool spatial = kind == "spatial";
  const auto& [height, width] = p.spatial_chunk_size;
  if (p.chunk_size.empty()) return spatial ? Sizes{frames, height, width} : p.st_chunk_size;
  std::vector<double> own = p.chunk_size;
  if (spatial) own.insert(own.begin(), static_cast<double>(frames));
  const auto no_count = [](double n) { return n < 1 || n != std::floor(n); };
  if (own.size() != 3 || std::any_of(own.begin(), own.end(), no_count))
    throw InputError("vmoba: the " + kind + " chunk size is " + (spatial ? "2" : "3") +
                     " whole numbers above 0");
  return {static_cast<int64_t>(own[0]), static_cast<int64_t>(own[1]), static_cast<int64_t>(own[2])};
}

VmobaChunks cut(const Inputs& in, const VmobaParams& p) {
  const std::string kind = kind_of(p, in.context);
  if (!p.chunk_size.empty() && p.chunk_kind == "auto")
    throw InputError("vmoba: chunk_size needs a chunk_kind; with auto set " + kind +
                     "_chunk_size and those of the other kinds");
  const auto topk = [&](int64_t of_kind) { return p.topk == 0 ? of_kind : p.topk; };
  if (kind == "temporal") return {temporal_chunks(in, p), topk(p.temporal_topk)};
  const VideoGrid& grid = in.grid;
  const Sizes tile = chunk_tile(p, kind, grid.frames);
  if (!p.ragged &&
      (grid.frames % tile[0] != 0 || grid.height % tile[1] != 0 || grid.width % tile[2] != 0))
    throw InputError("vmoba: the " + kind +
                     " chunk does not divide the grid; ragged=true allows short chunks at the "
                     "border");
  return {tile_blocks(grid, tile), topk(kind == "spatial" ? p.spatial_topk : p.st_topk)};
}

std::pair<std::string, std::string> finer_temporal(const VmobaParams& p, int divisor) {
  return {"temporal_chunk_size", to_text(p.temporal_chunk_size / divisor)};
}

/// A spatial or st chunk whose sides are parts of what they were.
std::pair<std::string, std::string> finer_tile(const VmobaParams& p, const std::string& kind,
                                               int64_t divisor) {
  std::vector<double> sides;
  const auto add = [&](const auto& sizes) {
    for (const int64_t size : sizes)
      sides.push_back(static_cast<double>((size + divisor - 1) / divisor));
  };
  kind == "spatial" ? add(p.spatial_chunk_size) : add(p.st_chunk_size);
  return {kind + "_chunk_size", to_text(sides)};
}

/// Chunks half, a third … as long each way: the own chunk, which every query sees, is all of
/// a low density. Of all kinds together first those along time, which are the largest.
std::vector<Settings> finer_chunks(const VmobaParams& p, const std::string& kind) {
  std::vector<Settings> finer;
  if (kind == "temporal" || kind == "all")
    for (int divisor : {2, 4, 8, 16, 3, 5, 6, 10, 12, 20})
      finer.push_back({finer_temporal(p, divisor)});
  if (kind == "spatial" || kind == "st")
    for (int64_t divisor : {2, 4}) finer.push_back({finer_tile(p, kind, divisor)});
  if (kind == "all")
    for (int divisor : {2, 4, 8, 16}) {
      const int64_t side = divisor == 2 ? 2 : 4;
      finer.push_back(
          {finer_temporal(p, divisor), finer_tile(p, "spatial", side), finer_tile(p, "st", side)});
    }
  return finer;
}

/// Video mixture of block attention: chunks in time, space or both by layer; every query sees its
/// own chunk and those whose gate q·mean(k) ranks high.
class Vmoba : public Method<VmobaParams> {
 public:
  std::string name() const override { return "vmoba"; }

  BackendInfo describe() const override {
    return {
        .title = "own chunk and chunks of large q·mean(k); chunks in time, space or both by layer",
        .paper = "Wu et al. 2025, arXiv 2506.23858",
        .needs_grid = true,
        .takes_text = false,
        .presets = {{"wan1.3b-480p", {}},
                    {"wan1.3b-448p",
                     {{"spatial_chunk_size", "4,13"},
                      {"st_chunk_size", "4,4,13"},
                      {"select_mode", "topk"},
                      {"temporal_topk", "2"},
                      {"spatial_topk", "6"},
                      {"st_topk", "18"}}}},
        .knob = {"threshold", 0, 1},
        .warm_up = DenseWarmUp{.steps = 12, .source = VmobaParams::kConfig}};
  }

  Plan make_plan(const Inputs& in, const VmobaParams& p) const override {
    const VmobaChunks chunks = cut(in, p);
    const ChunkRule rule = rule_of(p, chunks);
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

  /// What selects, then smaller chunks, unless chunk_size fixes them.
  std::vector<DensityKnob> knobs(const Inputs& in, const VmobaParams& p) const override {
    const DensityKnob chosen =
        p.select_mode == "topk" ? DensityKnob{"topk", 1, kMostChunks} : info().knob;
    std::vector<DensityKnob> all{chosen};
    if (!p.chunk_size.empty()) return all;
    const bool of_any_layer = in.context.layer < 0 && in.context.layers > 0 && is_mixed(p);
    for (const Settings& settings :
         finer_chunks(p, of_any_layer ? "all" : kind_of(p, in.context))) {
      all.push_back(chosen);
      all.back().settings = settings;
    }
    return all;
  }

  /// What makes two layers alike is their chunk kind; layers of the warm-up are dense anyway.
  std::vector<LayerKind> layer_kinds(const Params& params, int64_t layers) const override {
    const VmobaParams p(params);
    const DenseWarmUp rules = warm_up(params);
    constexpr StepContext kLate{.step = std::numeric_limits<int64_t>::max()};
    std::map<std::string, LayerKind> kinds;
    int64_t sparse = 0;
    for (int64_t layer = 0; layer < layers; ++layer) {
      StepContext context = kLate;
      context.layer = layer;
      context.layers = layers;
      if (rules.dense(context)) continue;
      kinds.try_emplace(kind_of(p, context), LayerKind{layer, 0}).first->second.share += 1;
      ++sparse;
    }
    std::vector<LayerKind> found;
    for (const auto& [kind, like] : kinds)
      found.push_back({like.layer, like.share / static_cast<double>(sparse)});
    return found;
  }

  /// The layer's chunk_kind; "full" before first_full_layer.
  std::map<std::string, ParamValue> derived(const VmobaParams& p,
                                            const StepContext& context) const override {
    const bool dense = context.layer >= 0 && context.layer < p.first_full_layer;
    return {{"chunk_kind", dense ? "full" : kind_of(p, context)}};
  }

 private:
  DenseWarmUp warm_up(const Params& params) const override {
    DenseWarmUp rules = Backend::warm_up(params);
    rules.layers = std::max(rules.layers, VmobaParams(params).first_full_layer);
    return rules;
  }

  static ChunkRule rule_of(const VmobaParams& p, const VmobaChunks& chunks) {
    const ChunkRule rule{p.select_mode == "threshold", p.scope, p.threshold,
                         std::min(chunks.topk, chunks.blocks.count())};
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

const RegisterBackend<Vmoba> registered_vmoba;

}  // namespace
}  // namespace vidattn
