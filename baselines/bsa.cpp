#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/blocks.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

/// Queries that stay of `tokens`: int(tokens * ratio), at least one.
int64_t kept_count(int64_t tokens, double ratio) {
  return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(tokens) * ratio));
}

struct BsaParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "FastVideo";
  Sizes tile = integers("tile", {4, 4, 4},
                        "Tile size: frames, rows, columns; border tiles may be short, which is "
                        "ours: the authors need a tile that divides the grid.",
                        kCode, 1);
  double query_keep_ratio = real("query_keep_ratio", 0.5,
                                 "Share of a tile's queries that stay; at least one.", kCode, 0, 1);
  int64_t kept_per_tile =
      integer("kept_per_tile", 0,
              "Queries that stay in a whole tile, for checking only; 0 = not checked.", "", 0);
  double kv_cumulative_threshold =
      real("kv_cumulative_threshold", 0.9,
           "Key tiles are kept while the probability before them is below this.", kCode, 0, 1);
  int64_t min_kv_blocks = integer("min_kv_blocks", 4, "Key tiles kept in any case.", kCode, 0);

  /// Queries that stay of a whole tile.
  int64_t whole_tile() const { return kept_count(tile[0] * tile[1] * tile[2], query_keep_ratio); }
};

/// One head after query pruning.
struct Pruned {
  std::vector<int32_t> label;   ///< tile of a kept token, -1 for a pruned one
  std::vector<int32_t> source;  ///< token whose result every token takes
};

/// Cosine similarity of every query of a tile to the query in its middle.
std::vector<double> similarity_to_centre(const Tensor& q, int64_t head,
                                         std::span<const int32_t> tokens) {
  std::vector<float> centre(q.dim()), row(q.dim());
  const auto norm = [&](const std::vector<float>& x) {
    double sum = 0;
    for (float value : x) sum += double{value} * value;
    return std::max(std::sqrt(sum), 1e-12);
  };
  q.read_row(tokens[tokens.size() / 2], head, centre.data());
  const double centre_norm = norm(centre);
  std::vector<double> similarity(tokens.size());
  for (size_t s = 0; s < tokens.size(); ++s) {
    q.read_row(tokens[s], head, row.data());
    double dot = 0;
    for (size_t c = 0; c < row.size(); ++c) dot += double{row[c]} * centre[c];
    similarity[s] = dot / (norm(row) * centre_norm);
  }
  return similarity;
}

/// In-tile indices of the queries least like the centre, ascending.
std::vector<int32_t> least_similar(std::vector<double> similarity, int64_t count) {
  for (double& s : similarity) s = -s;
  auto kept = top_k(similarity, count);
  std::sort(kept.begin(), kept.end());
  return kept;
}

Pruned prune(const Inputs& in, const Blocks& tiles, int64_t head, double ratio) {
  Pruned result{std::vector<int32_t>(in.length(), -1), std::vector<int32_t>(in.length())};
  const auto prune_tile = [&](int64_t b) {
    const std::span tokens(&(*tiles.order)[tiles.start[b]], static_cast<size_t>(tiles.size(b)));
    const auto kept =
        least_similar(similarity_to_centre(*in.q, head, tokens), kept_count(tiles.size(b), ratio));
    for (int32_t s : kept) result.label[tokens[s]] = static_cast<int32_t>(b);
    size_t nearest = 0;  // moves on only when the next is strictly nearer: ties to the lower index
    for (int32_t s = 0; s < tiles.size(b); ++s) {
      while (nearest + 1 < kept.size() &&
             std::abs(kept[nearest + 1] - s) < std::abs(kept[nearest] - s))
        ++nearest;
      result.source[tokens[s]] = tokens[kept[nearest]];
    }
  };
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic, 8)
  for (int64_t b = 0; b < tiles.count(); ++b) errors.catching([&] { prune_tile(b); });
  errors.rethrow();
  return result;
}

/// Arrays for people and tests, per head.
struct Explained {
  std::vector<int32_t> kept, source;
  std::vector<uint8_t> maps;
};

/// Bidirectional sparse attention (Song et al. 2025): a tile drops the queries most like its middle
/// one, and attends to the key tiles that hold most of the pooled probability. A dropped query
/// takes the result of the nearest kept one. The authors demand that the tile divides the grid;
/// here a border tile is pruned and averaged over the tokens that it has.
class Bsa : public Method<BsaParams> {
 public:
  std::string name() const override { return "bsa"; }

  BackendInfo describe() const override {
    const std::vector<std::pair<std::string, std::string>> wan{{"tile", "4,4,4"},
                                                               {"query_keep_ratio", "0.5"},
                                                               {"kv_cumulative_threshold", "0.9"},
                                                               {"min_kv_blocks", "4"}};
    return {.title =
                "drops similar queries of a tile, attends to key tiles by cumulative pooled "
                "probability",
            .paper = "Song et al. 2025, arXiv 2509.01085",
            .needs_grid = true,
            .takes_text = false,
            .plans_from = PlansFrom::own_head,
            .presets = {{"wan1.3b-480p", wan}, {"wan14b-480p", wan}, {"wan14b-720p", wan}},
            .knob = {"kv_cumulative_threshold", 0, 1}};
  }

  Plan make_plan(const Inputs& in, const BsaParams& p) const override {
    const Blocks tiles = tile_blocks(in.grid, p.tile);
    Plan plan;
    Explained explained;
    Branch branch{.name = "bsa"};
    const Tensor key_means = pool_keys(in, tiles, plan);
    for (int64_t h = 0; h < in.heads(); ++h)
      add_head(in, tiles, key_means, h, p, plan, branch, explained);
    plan.branches.push_back(std::move(branch));
    if (in.explain) explain(in, tiles, p, explained, plan);
    return plan;
  }

  Facts facts(const Inputs&, const BsaParams& p, const Plan&) const override {
    return {{"kept_per_tile", p.whole_tile()}};
  }

 private:
  static Tensor pool_keys(const Inputs& in, const Blocks& tiles, Plan& plan) {
    const auto elements = static_cast<double>(in.k->size());
    const StageTimer timer(plan, "key means", elements,
                           tiles.count() * in.kv_heads() * in.dim() * 4);
    return block_means(*in.k, tiles);
  }

  static void add_head(const Inputs& in, const Blocks& tiles, const Tensor& key_means, int64_t h,
                       const BsaParams& p, Plan& plan, Branch& branch, Explained& explained) {
    Pruned pruned = [&] {
      // Two dot products per token: with itself and with the centre.
      const StageTimer timer(plan, "query pruning",
                             4.0 * static_cast<double>(in.length() * in.dim()), in.length() * 4);
      return prune(in, tiles, h, p.query_keep_ratio);
    }();
    const Blocks kept = make_blocks(std::move(pruned.label), tiles.count());
    const auto map = select_tiles(in, kept, key_means, h, p, plan);
    branch.tables.push_back(block_table(kept, tiles, map.data()));
    if (in.explain) {
      explained.maps.insert(explained.maps.end(), map.begin(), map.end());
      explained.source.insert(explained.source.end(), pruned.source.begin(), pruned.source.end());
    }
    if (p.query_keep_ratio < 1) branch.output_map.push_back(std::move(pruned.source));
  }

  static std::vector<uint8_t> select_tiles(const Inputs& in, const Blocks& kept,
                                           const Tensor& key_means, int64_t h, const BsaParams& p,
                                           Plan& plan) {
    const int64_t n = kept.count();
    const StageTimer timer(
        plan, "tile selection",
        2.0 * static_cast<double>(n * n * in.dim()) +
            static_cast<double>(in.dim()) * static_cast<double>(kept.order->size()),
        n * n + std::min<int64_t>(n, 256) * n * 4 + n * in.dim() * 4);
    const Tensor query_means = block_means(*in.q, kept, h);
    return choose_blocks(HeadMatrix(query_means, 0), HeadMatrix(key_means, in.kv_head(h)),
                         in.softmax_scale(), [&](int64_t, std::span<const float> row) {
                           return top_p(softmax(row), p.kv_cumulative_threshold,
                                        TopP::sum_before_below, p.min_kv_blocks);
                         });
  }

  /// `kept` lists in-tile indices; a border tile with fewer fills up with -1.
  static void explain(const Inputs& in, const Blocks& tiles, const BsaParams& p,
                      const Explained& heads, Plan& plan) {
    const int64_t n = tiles.count(), length = in.length();
    const int64_t per_tile = p.whole_tile();
    std::vector<int32_t> kept(in.heads() * n * per_tile, -1), source(in.heads() * length);
    for (int64_t h = 0; h < in.heads(); ++h) {
      const int32_t* source_of = &heads.source[h * length];
      for (int64_t b = 0; b < n; ++b) {
        int32_t* out = &kept[(h * n + b) * per_tile];
        for (int32_t s = 0; s < tiles.size(b); ++s) {
          const int32_t token = (*tiles.order)[tiles.start[b] + s];
          source[token * in.heads() + h] = source_of[token];
          if (source_of[token] == token) *out++ = s;
        }
      }
    }
    plan.explained["tile_label"] = {{length}, tiles.label};
    plan.explained["kept"] = {{in.heads(), n, per_tile}, std::move(kept)};
    plan.explained["source_token"] = {{length, in.heads()}, std::move(source)};
    plan.explained["tile_map"] = {{in.heads(), n, n}, heads.maps};
  }
};

const RegisterBackend<Bsa> registered_bsa;

}  // namespace
}  // namespace vidattn
