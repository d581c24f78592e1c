#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <sstream>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/blocks.h"
#include "baselines/select.h"
#include "baselines/text_tokens.h"
#include "baselines/tile_window.h"

namespace vidattn {
namespace {

enum Expert { kFull = 0, kCoreset = 1, kSliding = 2 };

// The map of tile pairs has the square of this many bytes.
constexpr int64_t kMaxTiles = 4096;

struct VortaParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "published code, vorta/attention";
  static constexpr const char* kPaper = "arXiv 2505.18809";
  std::string experts =
      text("experts", "coreset,sliding",
           "Experts that go round the heads where router_scores is not given.", "-");
  double full_below = real("full_below", 0.3,
                           "A head stays full when its best routing probability is below this; "
                           "with three experts that is never less than 1/3.",
                           kPaper, 0, 1);
  Sizes coreset_window = integers("coreset_window", {2, 3, 2},
                                  "Frames, rows and columns of a window.", kCode, 1, 65536);
  double keep = real("keep", 0.5, "Share of a window's tokens that stay, the centre among them.",
                     kCode, 0, 1);
  Sizes tile = integers("tile", {5, 9, 8},
                        "Frames, rows and columns of a tile; the last of an axis may be short.",
                        kPaper, 1, 65536);
  Sizes window =
      integers("window", {3, 3, 3}, "Tiles per axis that a sliding head sees.", kPaper, 1, 65536);
  TextParams text_tokens{*this, "HunyuanVideo"};
};

/// Tokens of every whole window of the grid, in raster order inside a window; tokens of the borders
/// that fill no window are in none.
std::vector<int32_t> window_tokens(const VideoGrid& grid, const Sizes& w) {
  std::vector<int32_t> tokens;
  tokens.reserve(grid.video_tokens());
  for (int64_t t = 0; t + w[0] <= grid.frames; t += w[0])
    for (int64_t y = 0; y + w[1] <= grid.height; y += w[1])
      for (int64_t x = 0; x + w[2] <= grid.width; x += w[2])
        for (int64_t i = 0; i < w[0] * w[1] * w[2]; ++i)
          tokens.push_back(static_cast<int32_t>(
              grid.token(t + i / (w[1] * w[2]), y + i / w[2] % w[1], x + i % w[2])));
  return tokens;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t c = 0; c < a.size(); ++c) {
    dot += double{a[c]} * b[c];
    aa += double{a[c]} * a[c];
    bb += double{b[c]} * b[c];
  }
  return dot / (std::max(std::sqrt(aa), 1e-12) * std::max(std::sqrt(bb), 1e-12));
}

/// Token whose result every token takes: its own, or the centre of its window where it was dropped.
/// A window keeps its centre and the `kept` queries least similar to it (ties: the earlier one).
std::vector<int32_t> coreset_sources(const Tensor& q, int64_t head, const VideoGrid& grid,
                                     const Sizes& window, int64_t kept) {
  std::vector<int32_t> source(q.length());
  std::iota(source.begin(), source.end(), 0);
  const std::vector<int32_t> tokens = window_tokens(grid, window);
  const int64_t size = window[0] * window[1] * window[2];
  const int64_t centre = (window[0] / 2 * window[1] + window[1] / 2) * window[2] + window[2] / 2;
  const auto windows = static_cast<int64_t>(tokens.size()) / size;
  RegionErrors errors;
#pragma omp parallel
  {
    std::vector<float> middle, row;
    std::vector<std::pair<double, int64_t>> others;
    const auto merge = [&](int64_t w) {
      middle.resize(q.dim());
      row.resize(q.dim());
      const int32_t* members = &tokens[w * size];
      q.read_row(members[centre], head, middle.data());
      others.clear();
      for (int64_t i = 0; i < size; ++i) {
        if (i == centre) continue;
        q.read_row(members[i], head, row.data());
        others.emplace_back(cosine(middle, row), i);
      }
      std::sort(others.begin(), others.end());
      for (auto i = static_cast<size_t>(kept); i < others.size(); ++i)
        source[members[others[i].second]] = members[centre];
    };
#pragma omp for
    for (int64_t w = 0; w < windows; ++w) errors.catching([&] { merge(w); });
  }
  errors.rethrow();
  return source;
}

int32_t add_self(HeadTable& table, int32_t begin, int64_t count) {
  const auto end = static_cast<int32_t>(begin + count);
  if (end > begin) table.add(begin, end, {{begin, end}});
  return end;
}

/// The kept tokens and the prompt attend to each other, the padding to itself.
HeadTable coreset_table(const std::vector<int32_t>& source, const TextTokens& text) {
  std::vector<int32_t> order;
  for (size_t i = 0; i < source.size(); ++i)
    if (source[i] == static_cast<int32_t>(i)) order.push_back(source[i]);
  HeadTable table;
  const int64_t real = static_cast<int64_t>(order.size()) - text.padding;
  table.query_order = table.key_order = make_order(std::move(order));
  add_self(table, add_self(table, 0, real), text.padding);
  return table;
}

HeadTable full_table(const TextTokens& text) {
  HeadTable table;
  add_self(table, add_self(table, 0, text.real()), text.padding);
  return table;
}

/// Tiles see the tiles of their window; prompt and video see each other, the padding itself.
HeadTable sliding_table(const VideoGrid& grid, const Sizes& tile, const Sizes& window,
                        const TextTokens& text) {
  const Sizes counts = tile_counts(grid, tile);
  const int64_t tiles = counts[0] * counts[1] * counts[2], n = tiles + 2;
  if (tiles > kMaxTiles)
    throw InputError("vorta: the grid has " + std::to_string(tiles) + " tiles, at most " +
                     std::to_string(kMaxTiles) + " are supported: enlarge tile");
  std::vector<int32_t> label = tile_blocks(grid, tile).label;
  std::fill(label.begin() + text.video, label.begin() + text.real(), static_cast<int32_t>(tiles));
  std::fill(label.begin() + text.real(), label.end(), static_cast<int32_t>(tiles + 1));
  const Blocks blocks = make_blocks(std::move(label), n);
  const auto seen = tile_window_map(counts, window);
  std::vector<uint8_t> map(n * n);
  for (int64_t a = 0; a < tiles; ++a) {
    std::copy_n(&seen[a * tiles], tiles, &map[a * n]);
    map[a * n + tiles] = map[tiles * n + a] = 1;
  }
  map[tiles * n + tiles] = map[n * n - 1] = 1;
  return block_table(blocks, blocks, map.data());
}

/// VORTA: a router gives every head one of three experts: full attention, attention among a coreset
/// of the tokens, or sliding tiles. The router sees the timestep only, so that its scores are an
/// input; without them a fixed list of experts goes round the heads. As in the published code the
/// coreset follows the queries' cosine similarity to the token in the middle of its window, and its
/// keys are the kept tokens alone. Unlike there, tokens that fill no window are kept, not lost.
class Vorta : public Method<VortaParams> {
 public:
  std::string name() const override { return "vorta"; }
  BackendInfo describe() const override {
    return {.title = "heads routed to full attention, a coreset of the tokens, or sliding tiles",
            .paper = "Sun et al. 2025, VORTA, arXiv 2505.18809",
            .needs_grid = true,
            .inputs = {{"router_scores", "[H,3]",
                        "Router logits per head for full, coreset and sliding."}},
            .presets = {{"wan1.3b-480p", {{"tile", "5,9,8"}}},
                        {"wan14b-480p", {{"tile", "5,9,8"}}},
                        {"wan14b-720p", {{"tile", "5,9,8"}}},
                        {"hunyuan-720p", {{"tile", "6,9,8"}}}},
            .knob = {"keep", 0, 1},
            .warm_up = DenseWarmUp{}};
  }

  Plan dense_plan(const Inputs& in, const VortaParams& p) const override {
    return full_plan(in, text_tokens(in, p.text_tokens, "vorta").padding);
  }

  Plan make_plan(const Inputs& in, const VortaParams& p) const override {
    const TextTokens text = text_tokens(in, p.text_tokens, "vorta");
    const Sizes& coreset = p.coreset_window;
    const int64_t size = coreset[0] * coreset[1] * coreset[2];
    const auto kept = static_cast<int64_t>(static_cast<double>(size) * p.keep) - 1;
    const std::vector<int32_t> experts = choose_experts(in, p);
    const auto heads = in.heads();
    const auto coresets = std::count(experts.begin(), experts.end(), kCoreset);
    Plan plan;
    Branch branch{.name = "vorta"};
    {
      // Per window token a dot product with the centre and its own norm.
      const StageTimer timer(plan, "coreset",
                             4.0 * static_cast<double>(coresets * in.length() * in.dim()),
                             in.length() * 4);
      std::vector<int32_t> own(in.length());
      std::iota(own.begin(), own.end(), 0);
      for (int64_t h = 0; h < heads; ++h) {
        const bool drops = experts[h] == kCoreset;
        const auto source =
            drops ? coreset_sources(*in.q, h, in.grid, coreset, std::max<int64_t>(kept, 0)) : own;
        branch.tables.push_back(experts[h] == kFull ? full_table(text)
                                : drops             ? coreset_table(source, text)
                                        : sliding_table(in.grid, p.tile, p.window, text));
        if (coresets > 0) branch.output_map.push_back(source);
      }
    }
    for (const Expert expert : {kFull, kCoreset, kSliding})
      plan.figures[std::array{"full_heads", "coreset_heads", "sliding_heads"}[expert]] =
          static_cast<double>(std::count(experts.begin(), experts.end(), expert));
    if (in.explain) explain(branch, experts, in.length(), plan);
    plan.branches.push_back(std::move(branch));
    return plan;
  }

 private:
  static std::vector<int32_t> choose_experts(const Inputs& in, const VortaParams& params) {
    const Array* scores = in.find("router_scores");
    if (!scores) return listed_experts(params.experts, in.heads());
    if (scores->shape != std::vector<int64_t>{in.heads(), 3})
      throw InputError("vorta: router_scores must be [" + std::to_string(in.heads()) +
                       ",3], heads by full, coreset, sliding");
    const auto& values = scores->as<float>("router_scores");
    std::vector<int32_t> experts;
    for (int64_t h = 0; h < in.heads(); ++h) {
      const auto p = softmax({&values[h * 3], 3});
      const auto best = std::max_element(p.begin(), p.end());
      experts.push_back(*best < params.full_below ? static_cast<int32_t>(kFull)
                                                  : static_cast<int32_t>(best - p.begin()));
    }
    return experts;
  }

  static std::vector<int32_t> listed_experts(const std::string& list, int64_t heads) {
    const std::array<std::string, 3> names{"full", "coreset", "sliding"};
    std::vector<int32_t> listed;
    std::istringstream stream(list);
    for (std::string name; std::getline(stream, name, ',');) {
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end())
        throw InputError("vorta: unknown expert '" + name + "': known are full, coreset, sliding");
      listed.push_back(static_cast<int32_t>(found - names.begin()));
    }
    if (listed.empty()) throw InputError("vorta: experts is empty");
    std::vector<int32_t> experts(heads);
    for (int64_t h = 0; h < heads; ++h) experts[h] = listed[h % listed.size()];
    return experts;
  }

  static void explain(const Branch& branch, const std::vector<int32_t>& experts, int64_t length,
                      Plan& plan) {
    const auto heads = static_cast<int64_t>(experts.size());
    std::vector<int32_t> source(length * heads);
    for (int64_t i = 0; i < length; ++i)
      for (int64_t h = 0; h < heads; ++h)
        source[i * heads + h] =
            branch.output_map.empty() ? static_cast<int32_t>(i) : branch.output_map[h][i];
    plan.explained["experts"] = {{heads}, experts};
    plan.explained["source_token"] = {{length, heads}, std::move(source)};
  }
};

const RegisterBackend<Vorta> registered_vorta;

}  // namespace
}  // namespace vidattn
