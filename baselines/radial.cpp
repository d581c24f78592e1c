#include <algorithm>
#include <bit>
#include <cmath>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/blocks.h"

namespace vidattn {
namespace {

struct RadialParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "public code";
  int64_t num_frames =
      integer("num_frames", 0, "Latent frames; 0 = those of the grid.", kCode, 0, 65536);
  int64_t tokens_per_frame = integer(
      "tokens_per_frame", 0, "Tokens of a frame; 0 = those of the grid.", kCode, 0, 1 << 24);
  int64_t block = integer("block", 128, "Tokens of a block.", "public code: 128, or 64", 16, 65536);
  double decay_factor =
      real("decay_factor", 0.2, "Factor on the width of the bands beyond the next frame.",
           "public code: 0.2 (Wan2.1), 0.8 (Wan2.2), 0.95 (HunyuanVideo)", 0, 1e6);
  std::string model_type = choice("model_type", {"wan", "hunyuan"},
                                  "wan: every frame also sees the first one; hunyuan: not.", kCode);
  int64_t text_length =
      integer("text_length", -1,
              "Text tokens after the video, which see and are seen by all; -1 = all that follow.",
              kCode, -1);
  bool keep_diagonal = flag("keep_diagonal", false,
                            "Let a row of blocks that would see nothing see its own block (frames "
                            "far smaller than a block); the published rule, the default, does not.",
                            "-");
};

/// What the block map follows from.
struct RadialLayout {
  int64_t frames, frame_size, text;  ///< text slots after the video
  int64_t block;
  double decay;
  bool sink;  ///< every frame sees frame 0 (Wan)

  int64_t video() const { return frames * frame_size; }
  int64_t blocks() const { return (video() + text + block - 1) / block; }
};

/// Positions [begin, end) of a frame.
struct Span {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

int64_t bits(int64_t x) { return std::bit_width(static_cast<uint64_t>(x)); }

/// Half width of the band of frame pairs `distance` apart, -1 when the split rule drops them.
int64_t band_width(const RadialLayout& layout, int64_t distance) {
  const double share = std::ldexp(1, static_cast<int>(bits(layout.frame_size) - bits(distance)));
  if (share < 128 && distance % static_cast<int64_t>(128 / share) != 0) return -1;
  const auto frame = static_cast<double>(layout.frame_size);
  if (distance <= 1) return layout.frame_size;
  const double width = std::max(share * layout.decay, static_cast<double>(layout.block));
  return static_cast<int64_t>(std::min(width, frame));
}

/// How many columns b have more than `least` rows a with |a - b| <= width. The rows of column b are
/// [max(a0, b-width), min(a1, b+width+1)), so that these columns are one interval.
int64_t columns_above(const Span& rows, const Span& columns, int64_t width, int64_t least) {
  if (std::min(rows.size(), 2 * width + 1) <= least) return 0;
  const int64_t first = std::max(columns.begin, rows.begin + least - width);
  const int64_t last = std::min(columns.end, rows.end + width - least);
  return std::max<int64_t>(0, last - first);
}

/// Whether over 60% of a block's nonempty columns have over a third of the block's rows set.
bool keeps_block(const Span& rows, const Span& columns, int64_t width, int64_t block) {
  const int64_t nonempty = columns_above(rows, columns, width, 0);
  const int64_t high = columns_above(rows, columns, width, block / 3);
  return 5 * high > 3 * nonempty;
}

/// In-frame positions of every block of the window that the frame at token `start` is laid into:
/// ceil(f/B) blocks, and what leaves them is dropped.
std::vector<Span> window_spans(const RadialLayout& layout, int64_t start) {
  std::vector<Span> spans;
  for (int64_t at = 0; at < layout.frame_size; at += layout.block) {
    const int64_t begin = at - start % layout.block;
    spans.push_back(
        {std::max<int64_t>(0, begin), std::min(layout.frame_size, begin + layout.block)});
  }
  return spans;
}

/// ORs the blocks kept for every pair of frames into the map.
void add_frame_pairs(const RadialLayout& layout, uint8_t* map) {
  const int64_t size = layout.frame_size, block = layout.block;
  if (size <= block / 3) return;  // no column can have over a third of a block's rows
  std::vector<std::vector<Span>> spans;
  for (int64_t i = 0; i < layout.frames; ++i) spans.push_back(window_spans(layout, i * size));
  for (int64_t i = 0; i < layout.frames; ++i)
    for (int64_t j = 0; j < layout.frames; ++j) {
      const bool sink = layout.sink && j == 0;
      const int64_t width = sink ? size : band_width(layout, std::abs(i - j));
      if (width < 0) continue;
      uint8_t* corner = map + i * size / block * layout.blocks() + j * size / block;
      for (size_t r = 0; r < spans[i].size(); ++r)
        for (size_t c = 0; c < spans[j].size(); ++c)
          if (keeps_block(spans[i][r], spans[j][c], width, block))
            corner[r * layout.blocks() + c] = 1;
    }
}

/// [nb,nb]; closed form per block, so that its time is O(nb²).
std::vector<uint8_t> block_map(const RadialLayout& layout, bool keep_diagonal) {
  const int64_t n = layout.blocks();
  std::vector<uint8_t> map(n * n);
  add_frame_pairs(layout, map.data());
  const int64_t text = layout.text > 0 ? layout.video() / layout.block : n;
  for (int64_t a = 0; a < n; ++a) {
    uint8_t* row = &map[a * n];
    std::fill(row + (a < text ? text : 0), row + n, uint8_t{1});
    if (keep_diagonal && std::find(row, row + n, 1) == row + n) row[a] = 1;
  }
  return map;
}

RadialLayout layout_of(const Inputs& in, const RadialParams& p) {
  RadialLayout layout{p.num_frames, p.tokens_per_frame, 0,
                      p.block,      p.decay_factor,     p.model_type == "wan"};
  if (layout.frames == 0 || layout.frame_size == 0) in.need_grid("radial");
  const auto take = [&](int64_t& value, int64_t of_grid, const char* name) {
    if (value == 0) value = of_grid;
    if (in.grid.known() && value != of_grid)
      throw InputError("radial: " + std::string(name) + " is " + std::to_string(value) +
                       ", but the grid says " + std::to_string(of_grid));
  };
  take(layout.frames, in.grid.frames, "num_frames");
  take(layout.frame_size, in.grid.frame_size(), "tokens_per_frame");
  layout.text = in.length() - layout.video();
  const int64_t text = std::max<int64_t>(p.text_length, 0);
  if (layout.text < text)
    throw InputError("radial: " + std::to_string(in.length()) + " tokens do not hold " +
                     std::to_string(layout.frames) + " frames of " +
                     std::to_string(layout.frame_size) + " tokens and " + std::to_string(text) +
                     " text tokens");
  return layout;
}

/// Radial attention: frame pairs see each other in a diagonal band whose width halves with every
/// doubling of their distance; where it would be thinner than 128 tokens, pairs are dropped
/// instead. The band is rounded to blocks that all heads share.
///
/// The published code needs frames and sequence to end at a block; here frames may start inside a
/// block, which its rule covers, and the last block may be short. `keep_diagonal` is ours too.
class Radial : public Method<RadialParams> {
 public:
  std::string name() const override { return "radial"; }

  BackendInfo describe() const override {
    const std::vector<std::pair<std::string, std::string>> wan{{"model_type", "wan"},
                                                               {"decay_factor", "0.2"},
                                                               {"block", "128"},
                                                               {"dense_steps", "12"},
                                                               {"dense_layers", "1"}};
    return {
        .title = "frames see each other in bands that halve with the distance, rounded to blocks",
        .paper = "Li et al. 2025 (Radial Attention), arXiv 2506.19852",
        .plans_from = PlansFrom::nothing,
        .presets = {{"wan1.3b-480p", wan},
                    {"wan14b-480p", wan},
                    {"wan14b-720p", wan},
                    {"hunyuan-720p",
                     {{"model_type", "hunyuan"},
                      {"decay_factor", "0.95"},
                      {"block", "128"},
                      {"dense_steps", "12"},
                      {"dense_layers", "0"}}}},
        .knob = {"decay_factor", 0, 64},
        .warm_up = DenseWarmUp{.steps = 12, .layers = 1, .source = "public code, Wan2.1"}};
  }

  Plan dense_plan(const Inputs& in, const RadialParams& p) const override {
    layout_of(in, p);  // refuses what a sparse call would refuse
    return full_plan(in);
  }

  std::vector<DensityKnob> knobs(const Inputs&, const RadialParams& p) const override {
    return with_smaller_blocks(info().knob, "block", p.block, 16);
  }

  Plan make_plan(const Inputs& in, const RadialParams& p) const override {
    const RadialLayout layout = layout_of(in, p);
    const int64_t n = layout.blocks();
    Plan plan;
    Branch branch{.name = "radial"};
    {
      const StageTimer timer(plan, "block map", 0, n * n);
      auto map = block_map(layout, p.keep_diagonal);
      const Blocks blocks = run_blocks(in.length(), layout.block);
      HeadTable table = block_table(blocks, blocks, map.data());
      table.query_order = table.key_order = nullptr;  // blocks are runs of the tokens' own order
      branch.tables.push_back(std::move(table));
      if (in.explain) plan.explained["block_map"] = {{n, n}, std::move(map)};
    }
    plan.branches.push_back(std::move(branch));
    return plan;
  }
};

const RegisterBackend<Radial> registered_radial;

}  // namespace
}  // namespace vidattn
