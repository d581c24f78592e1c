#include <algorithm>
#include <cmath>
#include <functional>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/block_scores.h"
#include "baselines/blocks.h"
#include "baselines/select.h"
#include "baselines/text_slots.h"
#include "baselines/tile_window.h"

namespace vidattn {
namespace {

struct SstaParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "HunyuanVideo-1.5, public code";
  Sizes tile = integers("tile", {6, 8, 8},
                        "Tile size: frames, rows, columns; border tiles may be short, which is "
                        "ours: the authors pad the grid.",
                        kCode, 1, 65536);
  Sizes window = integers("window", {3, 3, 3},
                          "Tiles per axis that a query tile sees in any case; an even number w "
                          "covers w+1 tiles.",
                          kCode, 1, 65536);
  int64_t topk = integer("topk", 64, "Key tiles kept by their rank, in or out of the window.",
                         "HunyuanVideo-1.5, public code: half for up to 31 frames", 0);
  std::string sampling =
      choice("sampling", {"importance", "similarity"},
             "Ranks by similarity less redundancy, or by similarity alone.", kCode);
  double lambda = real("lambda", 0.7, "Weight of the similarity against 1 - lambda of redundancy.",
                       kCode, 0, 1);
  double threshold =
      real("threshold", 0,
           "With sampling=similarity: share of the probability after which a query tile needs no "
           "more tiles, of 8 to topk; 0 = always topk.",
           kCode, 0, 1);
  double temperature = real("temperature", 0.01, "Of that probability.", kCode, 1e-6);
  bool share_heads =
      flag("share_heads", false, "One map for all heads, from means over them.", kCode);
  int64_t text_length =
      integer("text_length", -1, "Real text tokens; -1 = all that follow the video.", kCode, -1);
  int64_t text_max =
      integer("text_max", -1, "Text slots after the video; -1 = those of the grid.", kCode, -1);
  std::vector<int64_t> num_tiles =
      integers("num_tiles", "Tiles per axis, for checking only; empty = not checked.", "", 1);

  bool cumulative() const { return sampling == "similarity" && threshold > 0; }
};

/// Tiles of the video, then blocks of as many text slots. Padded slots are queries, never keys.
struct TilesAndText {
  int64_t video;  ///< tiles
  Blocks queries, keys;
};

TilesAndText tiles_and_text(const VideoGrid& grid, const SstaParams& p) {
  const Blocks video = tile_blocks(grid, p.tile);
  const int64_t size = p.tile[0] * p.tile[1] * p.tile[2], first = grid.video_tokens();
  const int64_t real = real_text(grid, p.text_length, p.text_max, "ssta");
  const int64_t count = video.count() + (grid.text_tokens + size - 1) / size;
  std::vector<int32_t> queries = video.label;
  for (int64_t i = 0; i < grid.text_tokens; ++i)
    queries[first + i] = static_cast<int32_t>(video.count() + i / size);
  std::vector<int32_t> keys = queries;
  std::fill(keys.begin() + first + real, keys.end(), -1);
  return {video.count(), make_blocks(std::move(queries), count),
          make_blocks(std::move(keys), count)};
}

/// Tokens in half `part` (0 or 1) of every tile of an axis; halves of odd tiles share the middle.
bool in_half(int64_t position, int64_t tile, int64_t part) {
  const int64_t inside = position % tile;
  return part == 0 ? inside < (tile + 1) / 2 : inside >= tile / 2;
}

/// Tiles without what is not in their cell `cell` of 2x2x2.
Blocks cells_of_tiles(const VideoGrid& grid, const Sizes& tile, int64_t cell) {
  const Blocks tiles = tile_blocks(grid, tile);
  std::vector<int32_t> label = tiles.label;
  for (int64_t t = 0; t < grid.frames; ++t)
    for (int64_t y = 0; y < grid.height; ++y)
      for (int64_t x = 0; x < grid.width; ++x)
        if (!in_half(t, tile[0], cell / 4) || !in_half(y, tile[1], cell / 2 % 2) ||
            !in_half(x, tile[2], cell % 2))
          label[grid.token(t, y, x)] = -1;
  return make_blocks(std::move(label), tiles.count());
}

/// Copies `part` [n,H,D] into the channels of `whole` from `channel` on.
void put_channels(const Tensor& part, int64_t channel, Tensor& whole) {
  for (int64_t b = 0; b < part.length(); ++b)
    for (int64_t h = 0; h < part.heads(); ++h)
      std::copy_n(part.row(b, h), part.dim(), whole.row(b, h) + channel);
}

/// The means of every tile's 2x2x2 cells behind each other, [n,H,8D].
Tensor cell_means(const Tensor& rows, const VideoGrid& grid, const Sizes& tile) {
  const Sizes n = tile_counts(grid, tile);
  Tensor means(n[0] * n[1] * n[2], rows.heads(), 8 * rows.dim());
  for (int64_t cell = 0; cell < 8; ++cell)
    put_channels(block_means(rows, cells_of_tiles(grid, tile, cell)), cell * rows.dim(), means);
  return means;
}

/// [n,1,D].
Tensor mean_of_heads(const Tensor& rows) {
  Tensor mean(rows.length(), 1, rows.dim());
  for (int64_t b = 0; b < rows.length(); ++b)
    for (int64_t c = 0; c < rows.dim(); ++c) {
      double sum = 0;
      for (int64_t h = 0; h < rows.heads(); ++h) sum += rows.row(b, h)[c];
      mean.row(b, 0)[c] = static_cast<float>(sum / static_cast<double>(rows.heads()));
    }
  return mean;
}

/// What tiles are compared by, [n,H,F], or [n,1,F] for all heads.
Tensor features(const Tensor& rows, const VideoGrid& grid, const SstaParams& p) {
  Tensor means = p.cumulative() ? cell_means(rows, grid, p.tile)
                                : block_means(rows, tile_blocks(grid, p.tile));
  return p.share_heads ? mean_of_heads(means) : std::move(means);
}

std::vector<double> norms(const HeadMatrix& rows) {
  std::vector<double> norm(rows.rows());
  for (int64_t b = 0; b < rows.rows(); ++b)
    norm[b] = std::max(std::sqrt(dot_in_order(rows.row(b), rows.row(b), rows.dim())), 1e-12);
  return norm;
}

/// The value of key tiles by similarity and redundancy, in [0,1] each: half of the cosine plus one.
class Importance {
 public:
  Importance(const HeadMatrix& queries, const HeadMatrix& keys, double lambda)
      : query_norm_(norms(queries)),
        key_norm_(norms(keys)),
        redundancy_(redundancies(keys, key_norm_)),
        lambda_(lambda) {}

  /// Products <q,k> of a query tile become values.
  void rank(int64_t query, std::span<double> row) const {
    for (size_t b = 0; b < row.size(); ++b) {
      const double similarity = (row[b] / (query_norm_[query] * key_norm_[b]) + 1) / 2;
      row[b] = lambda_ * similarity - (1 - lambda_) * redundancy_[b];
    }
  }

 private:
  /// Mean over the other tiles, from the sum of all directions: linear in the tiles, and equal for
  /// equal tiles to the bit.
  static std::vector<double> redundancies(const HeadMatrix& keys, const std::vector<double>& norm) {
    const int64_t n = keys.rows(), dim = keys.dim();
    std::vector<double> sum(dim), redundancy(n);
    for (int64_t b = 0; b < n; ++b)
      for (int64_t c = 0; c < dim; ++c) sum[c] += keys.row(b)[c] / norm[b];
    for (int64_t b = 0; b < n && n > 1; ++b) {
      double with_all = 0;
      for (int64_t c = 0; c < dim; ++c) with_all += sum[c] * keys.row(b)[c];
      const double with_itself = dot_in_order(keys.row(b), keys.row(b), dim) / (norm[b] * norm[b]);
      const double cosine = (with_all / norm[b] - with_itself) / static_cast<double>(n - 1);
      redundancy[b] = (cosine + 1) / 2;
    }
    return redundancy;
  }

  std::vector<double> query_norm_, key_norm_, redundancy_;
  double lambda_;
};

/// Tiles that reach the threshold of the probability: at least 8, at most topk.
int64_t cumulative_count(std::span<const double> row, const SstaParams& p) {
  constexpr int64_t kFewest = 8;
  std::vector<double> weight(row.begin(), row.end());
  std::sort(weight.begin(), weight.end(), std::greater<>());
  const double highest = weight[0];
  double sum = 0;
  for (double& w : weight) sum += w = std::exp((w - highest) / p.temperature);
  int64_t rank = 0;
  for (double before = 0; rank < std::ssize(weight); ++rank)
    if ((before += weight[rank] / sum) >= p.threshold) break;
  return std::min(std::max(rank + 1, kFewest), p.topk);
}

/// Selective and sliding tile attention of HunyuanVideo 1.5: a query tile sees the tiles of a
/// window, as in sta, and those of the best rank. Text sees and is seen by all; its padding sees,
/// but is never seen, where the public code lets the last text block's padding in.
class Ssta : public Method<SstaParams> {
 public:
  std::string name() const override { return "ssta"; }

  BackendInfo describe() const override {
    const Settings published{{"tile", "6,8,8"}, {"window", "3,3,3"}, {"topk", "64"}};
    Settings short_video = published;
    short_video.back().second = "32";
    return {.title = "a window of tiles, and the tiles that are similar and not redundant",
            .paper = "HunyuanVideo 1.5, arXiv 2511.18870",
            .needs_grid = true,
            .presets = {{"hunyuan1.5", published}, {"hunyuan1.5-31frames", short_video}},
            .knob = {"topk", 0, 4096}};
  }

  /// Then without a window but the own tile, then with tiles of half the length per axis.
  std::vector<DensityKnob> knobs(const Inputs& in, const SstaParams& p) const override {
    DensityKnob knob = info().knob;
    if (!in.grid.known()) return {knob};
    const auto up_to_all = [&](const Sizes& tile) {
      const Sizes n = tile_counts(in.grid, tile);
      knob.dense = static_cast<double>(n[0] * n[1] * n[2]);
      return knob;
    };
    std::vector<DensityKnob> all{up_to_all(p.tile)};
    knob.settings.emplace_back("window", "1,1,1");
    all.push_back(up_to_all(p.tile));
    Sizes half;
    for (size_t axis = 0; axis < half.size(); ++axis) half[axis] = (p.tile[axis] + 1) / 2;
    knob.settings.emplace_back("tile", to_text(std::vector<double>(half.begin(), half.end())));
    all.push_back(up_to_all(half));
    return all;
  }

  Plan make_plan(const Inputs& in, const SstaParams& p) const override {
    if (p.cumulative()) require_whole_tiles(in.grid, p.tile);
    const TilesAndText tiles = tiles_and_text(in.grid, p);
    Plan plan;
    const auto [queries, keys] = compared(in, p, plan);
    plan.branches.push_back({.name = "ssta"});
    for (int64_t map = 0; map < queries.heads(); ++map)
      add_table(in, p, tiles, queries, keys, map, plan);
    if (in.explain) plan.explained["block_label"] = {{in.length()}, tiles.queries.label};
    return plan;
  }

  Facts facts(const Inputs& in, const SstaParams& p, const Plan&) const override {
    const Sizes n = tile_counts(in.grid, p.tile);
    return {{"num_tiles", std::vector<double>(n.begin(), n.end())}};
  }

 private:
  static void require_whole_tiles(const VideoGrid& grid, const Sizes& tile) {
    if (grid.frames % tile[0] != 0 || grid.height % tile[1] != 0 || grid.width % tile[2] != 0)
      throw InputError("ssta: threshold needs a tile that divides the grid");
  }

  static std::pair<Tensor, Tensor> compared(const Inputs& in, const SstaParams& p, Plan& plan) {
    const int64_t elements = in.grid.video_tokens() * (in.heads() + in.kv_heads()) * in.dim();
    const StageTimer timer(plan, "tile means", static_cast<double>(elements));
    return {features(*in.q, in.grid, p), features(*in.k, in.grid, p)};
  }

  static void add_table(const Inputs& in, const SstaParams& p, const TilesAndText& tiles,
                        const Tensor& queries, const Tensor& keys, int64_t map, Plan& plan) {
    const int64_t n = tiles.video, all = tiles.queries.count();
    const StageTimer timer(plan, "tile selection", score_flops(n, n, queries.dim()), all * all);
    const HeadMatrix a(queries, map), b(keys, p.share_heads ? 0 : in.kv_head(map));
    std::vector<float> scores;
    const auto ranked = rank(a, b, p, in.explain ? &scores : nullptr);
    const auto blocks = with_window_and_text(ranked, p, in.grid, n, all);
    plan.branches[0].tables.push_back(block_table(tiles.queries, tiles.keys, blocks.data()));
    if (!in.explain) return;
    explain_head("block_map", {queries.heads(), all, all}, blocks, plan);
    explain_head("score", {queries.heads(), n, n}, scores, plan);
  }

  /// [n,n], the tiles that are kept by their rank.
  static std::vector<uint8_t> rank(const HeadMatrix& a, const HeadMatrix& b, const SstaParams& p,
                                   std::vector<float>* scores) {
    if (p.sampling == "similarity")
      return keep_blocks(
          a, b, 1,
          [&](int64_t, std::span<double> row) {
            return top_k(row, p.cumulative() ? cumulative_count(row, p) : p.topk);
          },
          scores);
    const Importance importance(a, b, p.lambda);
    return keep_blocks(
        a, b, 1,
        [&](int64_t query, std::span<double> row) {
          importance.rank(query, row);
          return top_k(row, p.topk);
        },
        scores);
  }

  /// [all,all]: the ranked tiles or those of the window, and every pair with a text block.
  static std::vector<uint8_t> with_window_and_text(const std::vector<uint8_t>& ranked,
                                                   const SstaParams& p, const VideoGrid& grid,
                                                   int64_t n, int64_t all) {
    const auto window = tile_window_map(tile_counts(grid, p.tile), p.window);
    std::vector<uint8_t> map(all * all, 1);
    for (int64_t a = 0; a < n; ++a)
      for (int64_t b = 0; b < n; ++b) map[a * all + b] = ranked[a * n + b] | window[a * n + b];
    return map;
  }
};

const RegisterBackend<Ssta> registered_ssta;

}  // namespace
}  // namespace vidattn
