#include <algorithm>
#include <cmath>
#include <functional>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/block_scores.h"
#include "baselines/blocks.h"

namespace vidattn {
namespace {

struct RainfusionParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "SGLang, LightX2V";
  std::string variant = choice(
      "variant", {"patches", "cubes"},
      "Order of the tokens: every frame by patches (SGLang, video alone), or pairs of frames "
      "by cubes and the first frame and the text at the end (LightX2V).",
      kCode);
  int64_t block = integer("block", 128, "Consecutive tokens of that order in a block.", kCode, 1);
  int64_t patch = integer("patch", 8, "Rows and columns of a patch or cube.", kCode, 1, 65536);
  double sparsity = real("sparsity", 0.8,
                         "Share of key blocks that a query block leaves out; at least one stays, "
                         "and the first frame: of T frames, density is at least 1 - (1 - 1/T)^2.",
                         "LightX2V", 0, 1);
  int64_t keep = integer("keep", -1,
                         "Blocks kept by their rank, for checking only; -1 = not checked.", "", -1);
  int64_t text_length =
      integer("text_length", -1, "Text tokens, for checking only; -1 = not checked.", "", -1);
  std::string text_place =
      choice("text_place", {"any", "none", "suffix", "prefix"},
             "Where a model has its text; it changes nothing, as the order has it at the end.", "");

  bool cubes() const { return variant == "cubes"; }
};

/// Positions [begin, end) of an axis.
struct AxisPart {
  int64_t begin, end;
};

/// Token indices of a grid, listed part by part.
class TokenList {
 public:
  TokenList(const VideoGrid& grid, int64_t patch)
      : grid_(grid),
        patch_(patch),
        rows_(grid.height / patch * patch),
        columns_(grid.width / patch * patch) {}

  bool divides() const { return rows_ == grid_.height && columns_ == grid_.width; }

  /// Every patch of the frames, itself frame by frame.
  void add_patches(AxisPart frames) {
    for (int64_t y = 0; y < rows_; y += patch_)
      for (int64_t x = 0; x < columns_; x += patch_) add(frames, {y, y + patch_}, {x, x + patch_});
  }
  /// The rows below the patches, then the columns beside them.
  void add_rest(AxisPart frames) {
    add(frames, {rows_, grid_.height}, {0, grid_.width});
    add(frames, {0, rows_}, {columns_, grid_.width});
  }
  void add_first_frame() { add({0, 1}, {0, grid_.height}, {0, grid_.width}); }
  void add_text() {
    for (int64_t i = grid_.video_tokens(); i < grid_.tokens(); ++i)
      tokens_.push_back(static_cast<int32_t>(i));
  }
  std::vector<int32_t> take() { return std::move(tokens_); }

 private:
  void add(AxisPart frames, AxisPart rows, AxisPart columns) {
    for (int64_t t = frames.begin; t < frames.end; ++t)
      for (int64_t y = rows.begin; y < rows.end; ++y)
        for (int64_t x = columns.begin; x < columns.end; ++x)
          tokens_.push_back(static_cast<int32_t>(grid_.token(t, y, x)));
  }

  const VideoGrid& grid_;
  int64_t patch_, rows_, columns_;  // of the part that patches cover
  std::vector<int32_t> tokens_;
};

std::vector<int32_t> patch_order(const VideoGrid& grid, int64_t patch) {
  TokenList list(grid, patch);
  const int64_t first = list.divides() ? 0 : 1;
  if (first == 1) list.add_first_frame();
  for (int64_t t = first; t < grid.frames; ++t) {
    list.add_patches({t, t + 1});
    list.add_rest({t, t + 1});
  }
  return list.take();
}

std::vector<int32_t> cube_order(const VideoGrid& grid, int64_t patch) {
  TokenList list(grid, patch);
  for (int64_t t = 1; t < grid.frames; t += 2) list.add_patches({t, std::min(t + 2, grid.frames)});
  list.add_rest({1, grid.frames});
  list.add_first_frame();
  list.add_text();
  return list.take();
}

/// Runs of `size` positions of an order; the last may be short.
Blocks blocks_of_order(std::vector<int32_t> order, int64_t size) {
  Blocks blocks;
  const auto length = static_cast<int64_t>(order.size());
  blocks.label.resize(length);
  for (int64_t p = 0; p < length; ++p) blocks.label[order[p]] = static_cast<int32_t>(p / size);
  for (int64_t p = 0; p < length; p += size) blocks.start.push_back(static_cast<int32_t>(p));
  blocks.start.push_back(static_cast<int32_t>(length));
  blocks.order = make_order(std::move(order));
  return blocks;
}

/// Blocks [begin, end) with tokens of the first frame or of the text: they see all and are seen by
/// all.
AxisPart protected_blocks(const RainfusionParams& p, const VideoGrid& grid, int64_t count) {
  if (p.cubes()) return {(grid.video_tokens() - grid.frame_size()) / p.block, count};
  return {0, (grid.frame_size() + p.block - 1) / p.block};
}

/// In double precision as the authors compute it.
int64_t kept_count(double sparsity, int64_t blocks) {
  const auto kept = static_cast<int64_t>(std::ceil(static_cast<double>(blocks) * (1 - sparsity)));
  return std::clamp<int64_t>(kept, 1, blocks);
}

/// What is no smaller than the count-th largest score: all of a tie there.
std::vector<int32_t> not_below(std::span<const double> scores, int64_t count) {
  std::vector<double> ranked(scores.begin(), scores.end());
  const auto last = ranked.begin() + (count - 1);
  std::nth_element(ranked.begin(), last, ranked.end(), std::greater<>());
  std::vector<int32_t> kept;
  for (size_t b = 0; b < scores.size(); ++b)
    if (scores[b] >= *last) kept.push_back(static_cast<int32_t>(b));
  return kept;
}

void take_softmax(std::span<double> scores) {
  const double highest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& s : scores) sum += s = std::exp(s - highest);
  for (double& s : scores) s /= sum;
}

void protect(const AxisPart& part, int64_t blocks, std::vector<uint8_t>& map) {
  for (int64_t a = 0; a < blocks; ++a) {
    const bool whole = a >= part.begin && a < part.end;
    const int64_t begin = whole ? 0 : part.begin, end = whole ? blocks : part.end;
    std::fill(map.begin() + a * blocks + begin, map.begin() + a * blocks + end, uint8_t{1});
  }
}

/// RainFusion: blocks of a spatially re-ordered sequence, the best by pooled scores, with the first
/// frame (and the text) seen by all. Protected blocks use up places of the ranking. LightX2V makes
/// the map once and keeps it for all layers; here it belongs to the call. It refuses an even number
/// of frames, of which the last one here has cubes of one frame.
class Rainfusion : public Method<RainfusionParams> {
 public:
  std::string name() const override { return "rainfusion"; }

  BackendInfo describe() const override {
    return {.title = "top-k blocks of patches by pooled scores, the first frame always seen",
            .paper = "Chen et al. 2025, arXiv 2512.24086; SGLang's and LightX2V's forms",
            .needs_grid = true,
            .takes_text = false,
            .plans_from = PlansFrom::own_head,
            .knob = {"sparsity", 1, 0}};
  }

  std::vector<DensityKnob> knobs(const Inputs&, const RainfusionParams& p) const override {
    return with_smaller_blocks(info().knob, "block", p.block, 16);
  }

  /// The patches' order is of the video alone.
  bool takes_text(const RainfusionParams& p) const override { return p.cubes(); }

  Plan make_plan(const Inputs& in, const RainfusionParams& p) const override {
    if (p.text_place == "none" && in.grid.text_tokens > 0)
      throw InputError("rainfusion: text_place=none, but there are " +
                       std::to_string(in.grid.text_tokens) + " text tokens");
    const Blocks blocks = blocks_of_order(
        p.cubes() ? cube_order(in.grid, p.patch) : patch_order(in.grid, p.patch), p.block);
    Plan plan;
    plan.branches.push_back({.name = "rainfusion"});
    for (int64_t h = 0; h < in.heads(); ++h) add_head(in, blocks, h, p, plan);
    if (in.explain) {
      plan.explained["order"] = {{in.length()}, blocks.order->host()};
      plan.explained["block_label"] = {{in.length()}, blocks.label};
    }
    return plan;
  }

  Facts facts(const Inputs& in, const RainfusionParams& p, const Plan&) const override {
    const int64_t blocks = (in.length() + p.block - 1) / p.block;
    return {{"keep", kept_count(p.sparsity, blocks)}, {"text_length", in.grid.text_tokens}};
  }

 private:
  static void add_head(const Inputs& in, const Blocks& blocks, int64_t h, const RainfusionParams& p,
                       Plan& plan) {
    const int64_t n = blocks.count();
    const StageTimer timer(
        plan, "block selection",
        score_flops(n, n, in.dim()) + 2.0 * static_cast<double>(in.length() * in.dim()),
        n * n + 2 * n * in.dim() * 4);
    const Tensor queries = block_means(*in.q, blocks, h);
    const Tensor keys = block_means(*in.k, blocks, in.kv_head(h));
    const int64_t count = kept_count(p.sparsity, n);
    std::vector<float> scores;
    auto map = keep_blocks(
        HeadMatrix(queries, 0), HeadMatrix(keys, 0), in.softmax_scale(),
        [&](int64_t, std::span<double> row) {
          // Ranked before the softmax, which keeps the order but for what it rounds to nothing.
          std::vector<int32_t> kept = not_below(row, count);
          if (p.cubes()) take_softmax(row);
          return kept;
        },
        in.explain ? &scores : nullptr);
    protect(protected_blocks(p, in.grid, n), n, map);
    plan.branches[0].tables.push_back(block_table(blocks, blocks, map.data()));
    if (in.explain) {
      explain_head("block_map", {in.heads(), n, n}, map, plan);
      explain_head("score", {in.heads(), n, n}, scores, plan);
    }
  }
};

const RegisterBackend<Rainfusion> registered_rainfusion;

}  // namespace
}  // namespace vidattn
