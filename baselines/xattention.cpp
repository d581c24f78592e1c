#include <omp.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "attention/blas.h"
#include "attention/error.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/block_scores.h"
#include "baselines/blocks.h"
#include "baselines/exp_sum.h"
#include "baselines/near_ties.h"

namespace vidattn {
namespace {

struct XattentionParams : ParamFields {
  using ParamFields::ParamFields;
  int64_t block = integer("block", 128, "Consecutive tokens of a block; the last may be short.",
                          "public code: 128", 1, 1 << 30);
  int64_t stride =
      integer("stride", 8, "Tokens of a group, of which one score is computed; divides the block.",
              "public code: 8 and 16; 8 for HunyuanVideo", 1, 1 << 30);
  double norm = real("norm", 1, "Divides the scores of groups.", "public code: 1", 1e-6, 1e6);
  double threshold =
      real("threshold", 0.9,
           "Key blocks are kept while those before them have less than this share of the mass.",
           "public code: 0.9 and 0.95 for HunyuanVideo, 0.8 else", 0, 1);
  bool keep_first = flag("keep_first", true, "Every query sees the first block in any case.",
                         "public code, by its way of padding lists");
  int64_t text_length =
      integer("text_length", -1, "Text tokens, for checking only; -1 = not checked.", "", -1);
};

/// Groups of `stride` consecutive tokens of one head: [groups, stride * dim], the tokens of a group
/// side by side, backwards if asked for; 0 where the last group has no token.
class Groups {
 public:
  Groups(const Tensor& tensor, int64_t head, int64_t stride, bool backwards)
      : count_((tensor.length() + stride - 1) / stride),
        width_(stride * tensor.dim()),
        rows_(std::make_unique_for_overwrite<float[]>(count_ * width_)) {
    if (count_ * stride > tensor.length()) std::fill_n(&rows_[(count_ - 1) * width_], width_, 0.0F);
    RegionErrors errors;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < tensor.length(); ++i)
      errors.catching([&] {
        const int64_t place = backwards ? stride - 1 - i % stride : i % stride;
        tensor.read_row(i, head, &rows_[i / stride * width_ + place * tensor.dim()]);
      });
    errors.rethrow();
  }
  int64_t count() const { return count_; }
  int64_t width() const { return width_; }
  const float* row(int64_t g) const { return &rows_[g * width_]; }

 private:
  int64_t count_, width_;
  std::unique_ptr<float[]> rows_;  // touched first by the threads that fill it
};

/// XAttention (Xu et al. 2025): attention between groups of tokens, whose score is the sum along an
/// antidiagonal of the scores of their tokens; the mass of its softmax in a pair of blocks ranks
/// the key blocks of a query block, of which the first ones that have enough mass are kept. Text
/// tokens are tokens like any other. Masses that differ by rounding alone (1e-5) are equal, the
/// lower index wins. The published code pads the sequence and lets padding into the softmax; here
/// it has none.
class Xattention : public Method<XattentionParams> {
 public:
  std::string name() const override { return "xattention"; }

  BackendInfo describe() const override {
    return {.title = "key blocks by cumulative mass of antidiagonal sums",
            .paper = "Xu et al. 2025, arXiv 2503.16428",
            .plans_from = PlansFrom::own_head,
            .presets =
                {{"hunyuan-720p",
                  {{"block", "128"}, {"stride", "8"}, {"threshold", "0.9"}, {"dense_steps", "5"}}}},
            .knob = {"threshold", 0, 1},
            .warm_up = DenseWarmUp{.source = "published results, HunyuanVideo: 5 steps"}};
  }

  /// Then with smaller blocks, as far as groups go.
  std::vector<DensityKnob> knobs(const Inputs&, const XattentionParams& p) const override {
    std::vector<DensityKnob> all;
    for (DensityKnob& knob :
         with_smaller_blocks(info().knob, "block", p.block, std::max<int64_t>(16, p.stride)))
      if (knob.settings.empty() || std::stoll(knob.settings.back().second) % p.stride == 0)
        all.push_back(std::move(knob));
    return all;
  }

  Plan make_plan(const Inputs& in, const XattentionParams& p) const override {
    if (p.block % p.stride != 0)
      throw InputError("xattention: stride=" + std::to_string(p.stride) +
                       " does not divide a block of " + std::to_string(p.block));
    const Blocks blocks = run_blocks(in.length(), p.block);
    const int64_t n = blocks.count();
    Plan plan;
    Branch branch{.name = "xattention"};
    std::vector<float> sums(in.explain ? n * n : 0);
    for (int64_t h = 0; h < in.heads(); ++h) {
      const auto map = choose(in, h, p, n, in.explain ? sums.data() : nullptr, plan);
      branch.tables.push_back(block_table(blocks, blocks, map.data()));
      if (!in.explain) continue;
      explain_head("block_map", {in.heads(), n, n}, map, plan);
      explain_head("block_sum", {in.heads(), n, n}, sums, plan);
    }
    plan.branches.push_back(std::move(branch));
    return plan;
  }

  Facts facts(const Inputs& in, const XattentionParams&, const Plan&) const override {
    return {{"text_length", in.grid.text_tokens}};
  }

 private:
  /// [n,n] map of one head. Every thread has the scores of about 256 groups of queries at a time:
  /// each product packs all keys anew, which takes as long as 50 rows' products.
  static std::vector<uint8_t> choose(const Inputs& in, int64_t h, const XattentionParams& p,
                                     int64_t n, float* explained, Plan& plan) {
    const int64_t in_block = p.block / p.stride;
    const int64_t groups = (in.length() + p.stride - 1) / p.stride;
    const int64_t step = std::max<int64_t>(1, 256 / in_block);  // query blocks
    const int64_t most = std::min(step * in_block, groups);
    const StageTimer timer(
        plan, "antidiagonal scores",
        2.0 * static_cast<double>(groups * groups) * static_cast<double>(p.stride * in.dim()),
        n * n + most * groups * 4 * omp_get_max_threads() + 2 * groups * p.stride * in.dim() * 4);
    const Groups q(*in.q, h, p.stride, true), k(*in.k, in.kv_head(h), p.stride, false);
    const double scale = in.softmax_scale() / (static_cast<double>(p.stride) * p.norm);
    std::vector<uint8_t> map(n * n);
    const auto choose_row = [&](int64_t a, const float* scores, int64_t rows) {
      std::vector<double> sum(n);
      for (int64_t g = 0; g < rows; ++g)
        add_mass({scores + g * groups, static_cast<size_t>(groups)}, in_block, sum);
      if (explained) std::copy(sum.begin(), sum.end(), explained + a * n);
      for (const int32_t b : most_massive(sum, p.threshold)) map[a * n + b] = 1;
      if (p.keep_first) map[a * n] = 1;
    };
    RegionErrors errors;
#pragma omp parallel
    {
      std::vector<float> scores;
      const auto choose_rows = [&](int64_t first) {
        scores.resize(most * groups);
        const int64_t begin = first * in_block, rows = std::min(most, groups - begin);
        gemm_nt(rows, groups, q.width(), q.row(begin), q.width(), k.row(0), k.width(),
                scores.data(), groups, static_cast<float>(scale));
        for (int64_t row = 0; row < rows; row += in_block)
          choose_row(first + row / in_block, &scores[row * groups], std::min(in_block, rows - row));
      };
#pragma omp for schedule(dynamic)
      for (int64_t first = 0; first < n; first += step)
        errors.catching([&] { choose_rows(first); });
    }
    errors.rethrow();
    return map;
  }

  /// Adds a group's softmax, summed over blocks of `in_block` key groups.
  static void add_mass(std::span<const float> scores, int64_t in_block, std::vector<double>& sum) {
    const auto groups = static_cast<int64_t>(scores.size());
    const float highest = highest_of(scores.data(), groups);
    std::vector<float> mass(sum.size());
    double total = 0;
    for (size_t b = 0; b < mass.size(); ++b) {
      const int64_t from = static_cast<int64_t>(b) * in_block;
      mass[b] = exp_sum(&scores[from], std::min(in_block, groups - from), highest);
      total += mass[b];
    }
    for (size_t b = 0; b < mass.size(); ++b) sum[b] += mass[b] / total;
  }

  /// Blocks by falling mass, while those before have less than a share of all.
  static std::vector<int32_t> most_massive(const std::vector<double>& mass, double share) {
    std::vector<int32_t> order = falling_order(mass);
    double all = 0, before = 0;
    for (const double m : mass) all += m;
    size_t kept = 0;
    while (kept < order.size() && (kept == 0 || before < share * all))
      before += mass[order[kept++]];
    order.resize(kept);
    return order;
  }
};

const RegisterBackend<Xattention> registered_xattention;

}  // namespace
}  // namespace vidattn
