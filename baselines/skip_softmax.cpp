#include <algorithm>
#include <atomic>
#include <cmath>

#include "attention/blas.h"
#include "attention/error.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/blocks.h"

namespace vidattn {
namespace {

constexpr const char* kModelOpt = "NVIDIA Model-Optimizer";

struct SkipParams : ParamFields {
  using ParamFields::ParamFields;
  int64_t tile_q = integer("tile_q", 128, "Queries of a tile.", kModelOpt, 1);
  int64_t tile_k = integer("tile_k", 128, "Keys of a tile.", kModelOpt, 1);
  double lambda = real("lambda", 1e-3,
                       "A tile is skipped whose scores all lie below the running maximum of their "
                       "row by more than -ln(lambda).",
                       "PyTorch form 1e-3, Triton form 0.1, Wan 2.2 0.03125", 0);
  bool lambda_given = given("lambda");
  double a = real("a", 0, "Calibrated: lambda = a * exp(b * target) / L; 0 = lambda as given.",
                  kModelOpt, 0);
  double b = real("b", 0, "See a.", kModelOpt);
  double target = real("target", 0, "See a: the share of tiles to skip.", kModelOpt, 0, 1);
  int64_t text_length =
      integer("text_length", 0, "Text tokens, which have no special role.", "", 0);
};

double skip_lambda(const SkipParams& p, int64_t length) {
  if (p.a == 0 && (p.b != 0 || p.target != 0))
    throw InputError("skip_softmax: b and target have no effect without a");
  if (p.a == 0) return p.lambda;
  const double calibrated = p.a * std::exp(p.b * p.target) / static_cast<double>(length);
  if (p.lambda_given && std::abs(p.lambda - calibrated) > 1e-6 * calibrated)
    throw InputError("skip_softmax: lambda=" + to_text(p.lambda) +
                     " contradicts a, b and target, " + "which give " + to_text(calibrated) +
                     ": give one of them");
  if (!std::isfinite(calibrated) || calibrated == 0)
    throw InputError("skip_softmax: a, b and target give lambda=" + to_text(calibrated));
  return calibrated;
}

/// The tiles of one head. A tile is executed unless every row's largest score lies below its
/// running maximum by more than -ln(lambda); the first always is.
class TileScan {
 public:
  TileScan(const Inputs& in, const SkipParams& p, int64_t head)
      : q_(*in.q, head),
        k_(*in.k, in.kv_head(head)),
        scale_(static_cast<float>(in.softmax_scale())),
        tile_q_(p.tile_q),
        tile_k_(p.tile_k),
        log_lambda_(std::log(skip_lambda(p, in.length()))) {}

  int64_t rows() const { return (q_.rows() + tile_q_ - 1) / tile_q_; }
  int64_t columns() const { return (k_.rows() + tile_k_ - 1) / tile_k_; }

  /// Fills one row of the map, and of the gaps where there are some: the largest over the queries
  /// of a tile's maximum less the running one, the tile counted.
  void scan(int64_t row, std::vector<float>& scratch, uint8_t* map, float* gaps) const {
    const int64_t first = row * tile_q_, queries = std::min(tile_q_, q_.rows() - first);
    scratch.resize(queries * (tile_k_ + 1));
    float* running = scratch.data() + queries * tile_k_;
    std::fill_n(running, queries, -INFINITY);
    for (int64_t c = 0; c < columns(); ++c) {
      const int64_t begin = c * tile_k_, keys = std::min(tile_k_, k_.rows() - begin);
      gemm_nt(queries, keys, q_.dim(), q_.row(first), q_.stride(), k_.row(begin), k_.stride(),
              scratch.data(), tile_k_, scale_);
      double above = -INFINITY, gap = -INFINITY;
      for (int64_t i = 0; i < queries; ++i) {
        float& highest = scratch[i * tile_k_];
        highest = *std::max_element(&scratch[i * tile_k_], &scratch[i * tile_k_] + keys);
        above = std::max(above, c == 0 ? INFINITY : double{highest} - running[i]);
        gap = std::max(gap, double{highest} - std::max(highest, running[i]));
      }
      map[c] = above >= log_lambda_;
      for (int64_t i = 0; i < queries && map[c]; ++i)
        running[i] = std::max(running[i], scratch[i * tile_k_]);
      if (gaps != nullptr) gaps[c] = static_cast<float>(gap);
    }
  }

 private:
  HeadMatrix q_, k_;
  float scale_;
  int64_t tile_q_, tile_k_;
  double log_lambda_;
};

/// Skip-Softmax (BLASST): all scores are computed, and the exponentials and values of a tile are
/// left out where its largest score is too small to matter. The scan is the method's own product of
/// queries and keys, done in planning; a fused kernel would do it on its way.
class SkipSoftmax : public Method<SkipParams> {
 public:
  std::string name() const override { return "skip_softmax"; }

  BackendInfo describe() const override {
    return {.title = "all scores, but values only of tiles near their rows' running maximum",
            .paper = "BLASST; NVIDIA Model-Optimizer 2026",
            .takes_cross = true,
            .plans_from = PlansFrom::own_head,
            .presets = {{"wan2.2", {{"lambda", "0.03125"}}}},
            .knob = {"lambda", 1, 0}};
  }

 protected:
  Plan make_plan(const Inputs& in, const SkipParams& p) const override {
    const Blocks queries = run_blocks(in.length(), p.tile_q);
    const Blocks keys = run_blocks(in.keys(), p.tile_k);
    const int64_t nq = queries.count(), nk = keys.count(), heads = in.heads();
    const int64_t scored = in.length() * in.keys();
    Plan plan;
    Branch branch{.name = "executed", .scored = std::vector<int64_t>(heads, scored)};
    std::vector<uint8_t> maps(nq * nk * heads);
    std::vector<float> gaps(in.explain ? maps.size() : 0);
    {
      const StageTimer timer(plan, "scores of all tiles",
                             2.0 * static_cast<double>(scored * in.dim() * heads),
                             nq * nk * heads + p.tile_q * (p.tile_k + 1) * 4);
      for (int64_t h = 0; h < heads; ++h)
        scan_head(TileScan(in, p, h), &maps[h * nq * nk],
                  gaps.empty() ? nullptr : &gaps[h * nq * nk]);
    }
    for (int64_t h = 0; h < heads; ++h)
      branch.tables.push_back(block_table(queries, keys, &maps[h * nq * nk]));
    plan.branches.push_back(std::move(branch));
    if (in.explain) {
      plan.explained["block_map"] = {{heads, nq, nk}, std::move(maps)};
      plan.explained["tile_gap"] = {{heads, nq, nk}, std::move(gaps)};
    }
    return plan;
  }

 private:
  static void scan_head(const TileScan& tiles, uint8_t* map, float* gaps) {
    const int64_t columns = tiles.columns();
    RegionErrors errors;
#pragma omp parallel
    {
      std::vector<float> scratch;
#pragma omp for schedule(dynamic)
      for (int64_t row = 0; row < tiles.rows(); ++row)
        errors.catching([&] {
          tiles.scan(row, scratch, map + row * columns,
                     gaps == nullptr ? nullptr : gaps + row * columns);
        });
    }
    errors.rethrow();
  }
};

const RegisterBackend<SkipSoftmax> registered_skip_softmax;

}  // namespace
}  // namespace vidattn
