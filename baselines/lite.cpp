#include <algorithm>
#include <cmath>
#include <numbers>

#include "attention/blas.h"
#include "attention/error.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/blocks.h"

namespace vidattn {
namespace {

constexpr const char* kLite = "moonmath-ai/LiteAttention";

struct LiteParams : ParamFields {
  using ParamFields::ParamFields;
  int64_t tile_q = integer("tile_q", 128, "Queries of a tile.", kLite, 1);
  int64_t tile_k = integer("tile_k", 176, "Keys of a tile.", kLite, 1);
  double threshold_log2 =
      real("threshold_log2", -10,
           "A tile is dropped for the steps to come whose scores all lie below the running maximum "
           "of their row by this many powers of two.",
           "-10; SGLang -6", -kAny, 0);
  int64_t steps =
      integer("steps", 0, "Denoising steps of the run, for checking only; 0 = not checked.", "", 0);
  bool run_edge = flag("run_edge", false,
                       "The first tile of each run of dropped ones stays, as in the public list "
                       "format.",
                       kLite);
};

/// Tiles of one head that a step executes, [queries, keys] in tiles.
struct LiteTiles {
  int64_t rows, columns;
  uint8_t* map;  ///< Executed
  float* gaps;   ///< of the public code, null = not wanted
};

/// What one step learns for the next: it executes a row's tiles from the highest index down, with
/// running maxima of each query.
class LiteStep {
 public:
  LiteStep(const Inputs& in, const LiteParams& p, int64_t head)
      : q_(*in.q, head),
        k_(*in.k, in.kv_head(head)),
        scale_(static_cast<float>(in.softmax_scale())),
        p_(p) {}

  /// Marks what a row drops in `dropped`, [columns].
  void scan(int64_t row, const LiteTiles& tiles, std::vector<float>& scratch,
            uint8_t* dropped) const {
    const int64_t first = row * p_.tile_q, queries = std::min(p_.tile_q, q_.rows() - first);
    scratch.resize(queries * (p_.tile_k + 1));
    float* running = scratch.data() + queries * p_.tile_k;
    std::fill_n(running, queries, -INFINITY);
    bool fresh = true;
    for (int64_t c = tiles.columns - 1; c >= 0; --c) {
      if (!tiles.map[row * tiles.columns + c]) continue;
      const double gap = execute(c, first, queries, scratch.data(), running);
      if (tiles.gaps != nullptr)
        tiles.gaps[row * tiles.columns + c] = fresh ? kFirst : static_cast<float>(gap);
      dropped[c] = !fresh && gap * std::numbers::log2e <= p_.threshold_log2;
      fresh = false;
    }
  }

 private:
  static constexpr float kFirst = 99;  ///< what vectors have for the first tile

  /// The largest over the queries of the tile's maximum less the running one, which it raises.
  double execute(int64_t column, int64_t first, int64_t queries, float* scores,
                 float* running) const {
    const int64_t begin = column * p_.tile_k, keys = std::min(p_.tile_k, k_.rows() - begin);
    gemm_nt(queries, keys, q_.dim(), q_.row(first), q_.stride(), k_.row(begin), k_.stride(), scores,
            p_.tile_k, scale_);
    double gap = -INFINITY;
    for (int64_t i = 0; i < queries; ++i) {
      const float highest =
          *std::max_element(scores + i * p_.tile_k, scores + i * p_.tile_k + keys);
      gap = std::max(gap, double{highest} - running[i]);
      running[i] = std::max(running[i], highest);
    }
    return gap;
  }

  HeadMatrix q_, k_;
  float scale_;
  const LiteParams& p_;
};

/// A tile that a step executes; with run_edge, tiles stand in ranges, and one may begin right
/// behind the end of another.
enum Executed : uint8_t { kNo, kYes, kBeginsRange };

/// Takes the dropped tiles out of a row. With edges, of every run of dropped tiles that directly
/// follows a kept one of its range, from above, the first stays, as the end of that range.
void drop(const uint8_t* dropped, bool edges, int64_t columns, uint8_t* map) {
  bool after_kept = false, after_edge = false;
  for (int64_t c = columns - 1; c >= 0; --c) {
    after_kept = after_kept && map[c] == kYes;
    if (map[c] == kNo) after_edge = false;
    if (map[c] == kNo) continue;
    const bool edge = dropped[c] && edges && after_kept;
    if (dropped[c] && !edge)
      map[c] = kNo;
    else if (after_edge)
      map[c] = kBeginsRange;
    after_edge = edge;
    after_kept = !dropped[c];
  }
}

/// 0 and 1, without ranges.
Array executed(Array state) {
  for (uint8_t& tile : std::get<std::vector<uint8_t>>(state.values)) tile = tile != kNo;
  return state;
}

/// LiteAttention: a denoising run drops, step by step, the tiles that were found not to matter, and
/// executes what is left. The first step is dense, and so is a call outside of a run. What to drop
/// is found in planning, by the products that a fused kernel would do on its way.
class Lite : public Method<LiteParams> {
 public:
  std::string name() const override { return "lite"; }

  BackendInfo describe() const override {
    return {.title = "tiles that did not matter in an earlier denoising step are left out",
            .paper = "LiteAttention (moonmath-ai, 2025)",
            .takes_cross = true,
            .plans_from = PlansFrom::own_head,
            .presets = {{"sglang", {{"threshold_log2", "-6"}}}},
            // 2^-150 of the largest is 0 in float32.
            .knob = {"threshold_log2", 0, -150},
            .learns_over_steps = true};
  }

  std::vector<DensityKnob> knobs(const Inputs&, const LiteParams& p) const override {
    return with_smaller_blocks(info().knob, "tile_k", p.tile_k, 16);
  }

 protected:
  Plan make_plan(const Inputs& in, const LiteParams& p) const override {
    const Blocks queries = run_blocks(in.length(), p.tile_q),
                 keys = run_blocks(in.keys(), p.tile_k);
    const int64_t nq = queries.count(), nk = keys.count(), heads = in.heads(), size = nq * nk;
    Array kept{{heads, nq, nk}, std::vector<uint8_t>(heads * size, kYes)};
    if (const Array* carried = state(in, kept.shape)) kept = *carried;
    Plan plan;
    Branch branch{.name = "executed"};
    const auto& map = kept.as<uint8_t>("map");
    for (int64_t h = 0; h < heads; ++h)
      branch.tables.push_back(block_table(queries, keys, &map[h * size]));
    plan.branches.push_back(std::move(branch));
    if (in.explain) plan.explained["block_map"] = executed(kept);
    if (in.context.cache || in.explain) learn(in, p, std::move(kept), plan);
    return plan;
  }

  Facts facts(const Inputs& in, const LiteParams&, const Plan&) const override {
    if (in.context.step < 0) return {};
    return {{"steps", in.context.steps}};
  }

 private:
  static std::string state_name(const Inputs& in) {
    return "lite tiles " + std::to_string(in.context.layer);
  }

  static const Array* state(const Inputs& in, const std::vector<int64_t>& shape) {
    if (!in.context.cache) return nullptr;
    const auto found = in.context.cache->arrays.find(state_name(in));
    if (found == in.context.cache->arrays.end() || found->second->shape != shape) return nullptr;
    return found->second.get();
  }

  /// Finds the tiles of the next step.
  static void learn(const Inputs& in, const LiteParams& p, Array kept, Plan& plan) {
    const int64_t heads = in.heads(), nq = kept.shape[1], nk = kept.shape[2];
    auto& map = std::get<std::vector<uint8_t>>(kept.values);
    std::vector<float> gaps(in.explain ? map.size() : 0);
    {
      const StageTimer timer(
          plan, "scores of executed tiles",
          2.0 * static_cast<double>(in.dim()) * static_cast<double>(executed_pairs(plan, heads)),
          kept.size() + p.tile_q * (p.tile_k + 1) * 4);
      for (int64_t h = 0; h < heads; ++h)
        learn_head(LiteStep(in, p, h), p,
                   {nq, nk, &map[h * nq * nk], gaps.empty() ? nullptr : &gaps[h * nq * nk]});
    }
    if (in.explain) {
      plan.explained["next_map"] = executed(kept);
      plan.explained["tile_gap"] = {kept.shape, std::move(gaps)};
    }
    if (in.context.cache)
      in.context.cache->arrays[state_name(in)] = std::make_shared<const Array>(std::move(kept));
  }

  static int64_t executed_pairs(const Plan& plan, int64_t heads) {
    int64_t pairs = 0;
    for (int64_t h = 0; h < heads; ++h) pairs += plan.branches[0].pairs(h, heads);
    return pairs;
  }

  static void learn_head(const LiteStep& step, const LiteParams& p, const LiteTiles& tiles) {
    RegionErrors errors;
#pragma omp parallel
    {
      std::vector<float> scratch;
      std::vector<uint8_t> dropped;
#pragma omp for schedule(dynamic)
      for (int64_t row = 0; row < tiles.rows; ++row)
        errors.catching([&] {
          dropped.assign(tiles.columns, 0);
          step.scan(row, tiles, scratch, dropped.data());
          drop(dropped.data(), p.run_edge, tiles.columns, tiles.map + row * tiles.columns);
        });
    }
    errors.rethrow();
  }
};

const RegisterBackend<Lite> registered_lite;

}  // namespace
}  // namespace vidattn
