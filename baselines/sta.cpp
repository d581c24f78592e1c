#include <algorithm>
#include <numeric>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/blocks.h"
#include "baselines/text_slots.h"
#include "baselines/tile_window.h"

namespace vidattn {
namespace {

struct StaParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "public code";
  Sizes tile = integers("tile", {6, 8, 8}, "Frames, rows and columns of a tile.",
                        "arXiv 2502.04507, public code", 1, 65536);
  int64_t window =
      integer("window", 3, "Tiles per axis that every head sees, where windows is not given.",
              "public code: window size 3,3,3", 1, 65536);
  std::vector<int64_t> windows =
      integers("windows",
               "Tiles per axis [frames, rows, columns] for all heads, or one triple per head; an "
               "even number w covers w+1 tiles.",
               "public code: found by a search per head, e.g. 3,3,5 and 3,1,10", 1, 65536);
  int64_t text_length =
      integer("text_length", -1, "Real text tokens; -1 = all that follow the video.", kCode, -1);
  int64_t text_max =
      integer("text_max", -1, "Text slots after the video; -1 = those of the grid.", kCode, -1);
  bool ragged = flag("ragged", true,
                     "Let the last tile of an axis be short where the tile does not divide the "
                     "grid; false refuses such grids as the public code does.",
                     "-");
};

std::string text_of(const Sizes& sizes, const std::string& separator) {
  return std::to_string(sizes[0]) + separator + std::to_string(sizes[1]) + separator +
         std::to_string(sizes[2]);
}

bool fits(const StaParams& p, const Sizes& tile, const VideoGrid& grid) {
  return p.ragged ||
         (grid.frames % tile[0] == 0 && grid.height % tile[1] == 0 && grid.width % tile[2] == 0);
}

void check_tile(const StaParams& p, const VideoGrid& grid) {
  if (!fits(p, p.tile, grid))
    throw InputError("sta: tile " + text_of(p.tile, "x") + " does not divide the grid " +
                     text_of({grid.frames, grid.height, grid.width}, "x") +
                     "; choose one that does, or ragged=true");
}

/// One window for all heads, or one per head.
std::vector<Sizes> windows_of(const StaParams& p, int64_t heads) {
  const auto numbers = static_cast<int64_t>(p.windows.size());
  if (numbers == 0) return {{p.window, p.window, p.window}};
  if (numbers != 3 && numbers != 3 * heads)
    throw InputError("sta: windows has " + std::to_string(numbers) +
                     " numbers, it needs 3 for all heads or " + std::to_string(3 * heads) +
                     ", 3 per head");
  std::vector<Sizes> windows;
  for (int64_t i = 0; i < numbers; i += 3)
    windows.push_back({p.windows[i], p.windows[i + 1], p.windows[i + 2]});
  if (std::equal(windows.begin() + 1, windows.end(), windows.begin())) windows.resize(1);
  return windows;
}

/// Share of an axis that a token of it sees, mean over its tokens.
double axis_density(int64_t size, int64_t tile, int64_t window) {
  const int64_t count = (size + tile - 1) / tile;
  const auto start = [&](int64_t a) { return std::min(size, a * tile); };
  int64_t pairs = 0;
  for (int64_t a = 0; a < count; ++a) {
    const TileSpan seen = tile_window_span(count, window, a);
    pairs += (start(a + 1) - start(a)) * (start(seen.end) - start(seen.begin));
  }
  return static_cast<double>(pairs) / static_cast<double>(size * size);
}

/// Windows that differ: 1, 3 … up to the first that spans the axis, at most 16 of them.
std::vector<int64_t> windows_of_axis(int64_t count) {
  const int64_t step = 2 * std::max<int64_t>(1, (count + 31) / 32);
  std::vector<int64_t> windows;
  for (int64_t w = 1; windows.empty() || windows.back() < count; w += step) windows.push_back(w);
  return windows;
}

using DensityOfSettings = std::pair<double, Settings>;

/// Windows of their own for every axis.
void add_windows(const VideoGrid& grid, const Sizes& tile, const Settings& with_tile,
                 std::vector<DensityOfSettings>& found) {
  const Sizes counts = tile_counts(grid, tile);
  for (int64_t t : windows_of_axis(counts[0]))
    for (int64_t y : windows_of_axis(counts[1]))
      for (int64_t x : windows_of_axis(counts[2])) {
        Settings settings = with_tile;
        settings.emplace_back("windows", to_text(std::vector{1.0 * t, 1.0 * y, 1.0 * x}));
        found.emplace_back(axis_density(grid.frames, tile[0], t) *
                               axis_density(grid.height, tile[1], y) *
                               axis_density(grid.width, tile[2], x),
                           std::move(settings));
      }
}

DensityKnob knob_of(std::vector<DensityOfSettings> found) {
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  DensityKnob knob;
  for (auto& [density, settings] : found) knob.steps.push_back(std::move(settings));
  return knob;
}

/// Sliding tile attention: a tile of queries sees the tiles in a window around it, one window per
/// head. Real text and video see each other; padded text slots see, but are never seen.
///
/// The published kernel needs a tile that divides the grid. With `ragged`, our extension, the last
/// tile of an axis holds fewer tokens instead; where the tile divides, both are the same.
class Sta : public Method<StaParams> {
 public:
  std::string name() const override { return "sta"; }

  BackendInfo describe() const override {
    return {.title =
                "sliding tiles: a tile of queries sees a window of tiles around it, one window per "
                "head",
            .paper = "Zhang et al. 2025, arXiv 2502.04507",
            .needs_grid = true,
            .plans_from = PlansFrom::nothing,
            .presets = {{"wan14b-720p", {{"tile", "6,8,8"}, {"windows", "3,3,5"}}},
                        {"hunyuan-720p", {{"tile", "6,8,8"}, {"window", "3"}}}},
            .knob = {"window", 1, 64},
            .warm_up = DenseWarmUp{}};
  }

  /// Then a window per axis, then tiles shorter by a quarter or a half on some axes, too. Given
  /// windows stay.
  std::vector<DensityKnob> knobs(const Inputs& in, const StaParams& p) const override {
    if (!p.windows.empty()) return {};
    if (!in.grid.known()) return {info().knob};
    std::vector<DensityOfSettings> windows, tiles;
    add_windows(in.grid, p.tile, {}, windows);
    for (int part = 1; part < 27; ++part) {
      Sizes tile = p.tile;
      int cut = part;
      for (int64_t& size : tile) {
        size = (size * (4 - cut % 3) + 3) / 4;
        cut /= 3;
      }
      if (fits(p, tile, in.grid)) add_windows(in.grid, tile, {{"tile", text_of(tile, ",")}}, tiles);
    }
    if (tiles.empty()) return {info().knob, knob_of(std::move(windows))};
    return {info().knob, knob_of(std::move(windows)), knob_of(std::move(tiles))};
  }

  Plan make_plan(const Inputs& in, const StaParams& p) const override {
    check_tile(p, in.grid);
    const Sizes counts = tile_counts(in.grid, p.tile);
    const auto windows = windows_of(p, in.heads());
    const int64_t text = real_text(in.grid, p.text_length, p.text_max, name());
    Plan plan;
    Branch branch{.name = "sta"};
    {
      const StageTimer timer(plan, "tile windows", 0, in.length() * 8);
      const Blocks tiles = tile_blocks(in.grid, p.tile);
      const HeadTable empty = ordered_table(tiles, in.grid);
      for (const Sizes& window : windows) {
        branch.tables.push_back(empty);
        add_segments(branch.tables.back(), tiles, counts, window, in.grid, text);
      }
      if (in.explain) explain(tiles, counts, windows, in, plan);
    }
    plan.branches.push_back(std::move(branch));
    return plan;
  }

 private:
  /// Tokens by tile, then text.
  static HeadTable ordered_table(const Blocks& tiles, const VideoGrid& grid) {
    std::vector<int32_t> order = tiles.order->host();
    order.resize(grid.tokens());
    std::iota(order.begin() + grid.video_tokens(), order.end(),
              static_cast<int32_t>(grid.video_tokens()));
    HeadTable table;
    table.query_order = table.key_order = make_order(std::move(order));
    return table;
  }

  static void add_segments(HeadTable& table, const Blocks& tiles, const Sizes& n,
                           const Sizes& window, const VideoGrid& grid, int64_t real) {
    const auto video = static_cast<int32_t>(grid.video_tokens());
    const auto text = static_cast<int32_t>(real);
    std::vector<KeyRange> ranges;
    const auto append = [&](int32_t begin, int32_t end) {
      if (begin == end) return;
      if (!ranges.empty() && ranges.back().end == begin)
        ranges.back().end = end;
      else
        ranges.push_back({begin, end});
    };
    for (int64_t a = 0; a < tiles.count(); ++a) {
      const TileSpan t = tile_window_span(n[0], window[0], a / n[2] / n[1]);
      const TileSpan y = tile_window_span(n[1], window[1], a / n[2] % n[1]);
      const TileSpan x = tile_window_span(n[2], window[2], a % n[2]);
      ranges.clear();
      for (int64_t i = t.begin; i < t.end; ++i)
        for (int64_t j = y.begin; j < y.end; ++j) {
          const int64_t row = (i * n[1] + j) * n[2];  // its tiles are neighbours in the order
          append(tiles.start[row + x.begin], tiles.start[row + x.end]);
        }
      append(video, video + text);
      table.add(tiles.start[a], tiles.start[a + 1], ranges);
    }
    if (grid.text_tokens > 0)
      table.add(video, static_cast<int32_t>(grid.tokens()), {{0, video + text}});
  }

  static void explain(const Blocks& tiles, const Sizes& counts, const std::vector<Sizes>& windows,
                      const Inputs& in, Plan& plan) {
    const int64_t video = in.grid.video_tokens(), n = tiles.count();
    plan.explained["tile_label"] = {
        {video}, std::vector<int32_t>(tiles.label.begin(), tiles.label.begin() + video)};
    std::vector<uint8_t> maps;
    for (int64_t h = 0; h < in.heads(); ++h) {
      const auto map = tile_window_map(counts, windows[windows.size() == 1 ? 0 : h]);
      maps.insert(maps.end(), map.begin(), map.end());
    }
    plan.explained["tile_map"] = {{in.heads(), n, n}, std::move(maps)};
  }
};

const RegisterBackend<Sta> registered_sta;

}  // namespace
}  // namespace vidattn
