#include <algorithm>
#include <numeric>

#include "attention/methods/method.h"
#include "baselines/routing.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

struct MocParams : ParamFields {
  using ParamFields::ParamFields;
  std::string chunks =
      choice("chunks", {"frames", "shots"}, "What a chunk is.", "MoC: content-aligned chunks");
  int64_t frames_per_chunk =
      integer("frames_per_chunk", 1,
              "Latent frames per chunk of chunks=frames; a chunk ends with its shot.", "-", 1);
  std::vector<int64_t> shots =
      integers("shots", "First latent frame of every shot; empty = those of the grid.", "-", 0);
  int64_t topk =
      integer("topk", 5, "Chunks that a query is routed to, beyond those it always sees.",
              "chosen here", 0);
  bool causal_routing =
      flag("causal_routing", true, "Route to earlier chunks only, so that there are no cycles.",
           "MoC: causal routing");
  std::string own = choice(
      "own", {"shot", "chunk"},
      "What a video query always sees beside the text; chunk makes a single shot sparse too.",
      "MoC: intra-shot links");
  std::string text_queries =
      choice("text_queries", {"all", "routed"},
             "Whether text queries see all tokens or are routed.", "chosen here");
};

/// The video cut along its content. Chunks are runs of whole frames that never cross a shot, so
/// that every chunk and every shot is a range of tokens.
struct MocChunks {
  Blocks blocks;                  ///< text tokens are in none
  std::vector<int32_t> anchor;    ///< first chunk of what a chunk's queries always see
  std::vector<int32_t> anchored;  ///< one past the last one
};

MocChunks cut(const VideoGrid& grid, int64_t frames_per_chunk, bool own_shot) {
  MocChunks chunks;
  std::vector<int32_t> label(grid.tokens(), -1);
  int32_t count = 0;
  for (size_t s = 0; s < grid.shots.size(); ++s) {
    const int64_t end = s + 1 < grid.shots.size() ? grid.shots[s + 1] : grid.frames;
    const int32_t first = count;
    for (int64_t t = grid.shots[s]; t < end; t += frames_per_chunk, ++count)
      std::fill(label.begin() + grid.token(t, 0, 0),
                label.begin() + grid.token(std::min(t + frames_per_chunk, end), 0, 0), count);
    for (int32_t c = first; c < count; ++c) {
      chunks.anchor.push_back(own_shot ? first : c);
      chunks.anchored.push_back(own_shot ? count : c + 1);
    }
  }
  chunks.blocks = make_blocks(std::move(label), count);
  return chunks;
}

/// Mixture of contexts: content-aligned chunks; a query always sees its own shot and all text, and
/// beyond them the chunks of largest q·mean(k). No code is public. Chosen here: the top-k are taken
/// among the chunks outside of the own shot; text queries see everything, or (text_queries=routed)
/// all text and the top-k of all chunks. Dropping chunks at random belongs to training and is left
/// out.
class Moc : public Method<MocParams> {
 public:
  std::string name() const override { return "moc"; }

  BackendInfo describe() const override {
    return {.title = "own shot, all text, and the frames or shots of largest q·mean(k)",
            .paper = "Cai et al. 2025, arXiv 2508.21058",
            .needs_grid = true,
            .plans_from = PlansFrom::own_head,
            .knob = {"topk", 0, 4096}};
  }

  /// Then without what every query sees anyhow: the own frames in place of the own shot.
  std::vector<DensityKnob> knobs(const Inputs&, const MocParams& p) const override {
    std::vector<DensityKnob> all{info().knob};
    if (p.chunks == "shots") return all;
    const Settings own{{"own", "chunk"}};
    Settings longer = own;
    longer.emplace_back("frames_per_chunk", std::to_string(2 * p.frames_per_chunk));
    for (const Settings& settings : {own, longer}) {
      all.push_back(info().knob);
      all.back().settings = settings;
    }
    return all;
  }

  Plan make_plan(const Inputs& in, const MocParams& p) const override {
    VideoGrid grid = in.grid;
    if (!p.shots.empty()) grid.shots = p.shots;
    validate_shots(grid.shots, grid.frames);
    const int64_t frames = p.chunks == "shots" ? grid.frames : p.frames_per_chunk;
    const MocChunks chunks = cut(grid, frames, p.own == "shot");
    Plan plan;
    const Tensor means = mean_keys(in, chunks.blocks, plan);
    std::vector<Selection> chosen;
    Branch branch{.name = "moc", .repeats_queries = true};
    {
      const int64_t count = chunks.blocks.count();
      const StageTimer timer(plan, "routing",
                             2.0 * static_cast<double>(in.q->size()) * static_cast<double>(count),
                             gate_bytes(count) + Selection::bytes(in.length(), count));
      for (int64_t h = 0; h < in.heads(); ++h) {
        Selection head = route(in, h, means, chunks, p);
        branch.tables.push_back(table(grid, chunks, head, p.text_queries == "all"));
        if (in.explain) chosen.push_back(std::move(head));
      }
    }
    plan.branches.push_back(std::move(branch));
    if (in.explain) {
      plan.explained["chunk_label"] = {{in.length()}, chunks.blocks.label};
      plan.explained["routed"] = routed_array(chosen);
    }
    return plan;
  }

 private:
  static Tensor mean_keys(const Inputs& in, const Blocks& blocks, Plan& plan) {
    const StageTimer timer(plan, "chunk means", static_cast<double>(in.k->size()),
                           blocks.count() * in.kv_heads() * in.dim() * 4);
    return block_means(*in.k, blocks);
  }

  /// The chunks beyond those that a query always sees.
  static Selection route(const Inputs& in, int64_t head, const Tensor& means,
                         const MocChunks& chunks, const MocParams& p) {
    const int64_t count = chunks.blocks.count();
    const bool route_text = p.text_queries == "routed";
    Selection chosen(in.length(), count);
    gate_rows(*in.q, head, means, in.kv_head(head), true, [&](int64_t i, const float* gates) {
      const int32_t own = chunks.blocks.label[i];
      if (own < 0 && !route_text) return;
      // A text query has no shot; all chunks precede it.
      const int64_t anchor = own < 0 ? count : chunks.anchor[own];
      const int64_t resume = own < 0 || p.causal_routing ? count : chunks.anchored[own];
      std::vector<float> gate(gates, gates + anchor);
      gate.insert(gate.end(), gates + resume, gates + count);
      for (int32_t c : top_k(gate, p.topk)) chosen.set(i, c < anchor ? c : c - anchor + resume);
    });
    return chosen;
  }

  /// Keys keep their own order, in which chunks, shots and text are ranges.
  static HeadTable table(const VideoGrid& grid, const MocChunks& chunks, const Selection& chosen,
                         bool text_sees_all) {
    const auto video = static_cast<int32_t>(grid.video_tokens());
    const auto length = static_cast<int32_t>(grid.tokens());
    const auto& start = chunks.blocks.start;
    HeadTable table;
    for (int64_t c = 0; c < chunks.blocks.count(); c = chunks.anchored[c]) {
      const int32_t begin = start[c], end = start[chunks.anchored[c]];
      std::vector<KeyRange> ranges{{begin, end}};
      if (length > video) ranges.push_back({video, length});
      table.add(begin, end, ranges);
    }
    if (length > video) table.add(video, length, {{text_sees_all ? 0 : video, length}});
    std::vector<int32_t> order(length);
    std::iota(order.begin(), order.end(), 0);
    append_selected(chunks.blocks, chosen, order, table);
    table.query_order = make_order(std::move(order));
    return table;
  }

  static Array routed_array(const std::vector<Selection>& heads) {
    const int64_t queries = heads[0].queries(), count = heads[0].blocks();
    std::vector<uint8_t> flags(heads.size() * queries * count);
    for (size_t h = 0; h < heads.size(); ++h)
      for (int64_t i = 0; i < queries; ++i)
        heads[h].each(i, [&](int64_t c) { flags[(h * queries + i) * count + c] = 1; });
    return {{static_cast<int64_t>(heads.size()), queries, count}, std::move(flags)};
  }
};

const RegisterBackend<Moc> registered_moc;

}  // namespace
}  // namespace vidattn
