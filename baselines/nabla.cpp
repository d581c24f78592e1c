#include <algorithm>
#include <cstdlib>

#include "attention/methods/method.h"
#include "baselines/blocks.h"
#include "baselines/near_ties.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

struct NablaParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kConfig = "Kandinsky 5 configurations";
  int64_t patch = integer("patch", 8, "Rows and columns of a block, which is one frame deep.",
                          "public code: 8, so that a block has 64 tokens", 1, 65536);
  double mass = real("P", 0.9,
                     "The blocks of least probability that are left out have less than 1 - P "
                     "together.",
                     "Kandinsky 5: 0.9, pro HD 0.7", 0, 1);
  Sizes window = integers("sta_window", {11, 3, 3},
                          "Blocks per axis [frames, rows, columns] around its own that a block "
                          "always sees; an even number w covers w+1.",
                          kConfig, 1, 65536);
  bool add_sta = flag("add_sta", true, "Whether it sees that window.", kConfig);
};

/// NABLA (Mikhailov et al. 2025): attention between the means of blocks, of which every query block
/// keeps the most probable key blocks until the others have too little mass, and a window around
/// itself, which is cut off at the border where that of sta moves inwards. The published code needs
/// a patch that divides height and width; here border blocks are smaller.
class Nabla : public Method<NablaParams> {
 public:
  std::string name() const override { return "nabla"; }

  BackendInfo describe() const override {
    const auto preset = [](const char* name, const char* mass) {
      return Preset{name,
                    {{"patch", "8"}, {"P", mass}, {"sta_window", "11,3,3"}, {"add_sta", "true"}}};
    };
    return {.title = "patches of a frame by cumulative pooled probability, and a window of patches",
            .paper = "Mikhailov et al. 2025, arXiv 2507.13546",
            .needs_grid = true,
            .takes_text = false,
            .plans_from = PlansFrom::own_head,
            .presets = {preset("kandinsky5-lite-10s", "0.9"), preset("kandinsky5-pro-sd", "0.9"),
                        preset("kandinsky5-pro-hd", "0.7")},
            .knob = {"P", 0, 1}};
  }

  /// Then without the window, below which no P comes.
  std::vector<DensityKnob> knobs(const Inputs&, const NablaParams& p) const override {
    if (!p.add_sta) return {info().knob};
    DensityKnob alone = info().knob;
    alone.settings = {{"add_sta", "false"}};
    return {info().knob, alone};
  }

  Plan make_plan(const Inputs& in, const NablaParams& p) const override {
    const Sizes patch{1, p.patch, p.patch}, counts = tile_counts(in.grid, patch);
    const Blocks blocks = tile_blocks(in.grid, patch);
    const int64_t n = blocks.count();
    Plan plan;
    const auto [q, k] = means(in, blocks, plan);
    Branch branch{.name = "nabla"};
    std::vector<uint8_t> maps;
    std::vector<float> probabilities(in.explain ? in.heads() * n * n : 0);
    for (int64_t h = 0; h < in.heads(); ++h) {
      const StageTimer timer(plan, "block selection",
                             2.0 * static_cast<double>(n * n) * static_cast<double>(in.dim()),
                             n * n + std::min<int64_t>(n, 256) * n * 4);
      const auto choose = [&](int64_t a, std::span<const float> scores) {
        const std::vector<double> probability = softmax(scores);
        if (in.explain)
          std::copy(probability.begin(), probability.end(), &probabilities[(h * n + a) * n]);
        std::vector<int32_t> kept = most_probable(probability, 1 - p.mass);
        if (p.add_sta) add_window(counts, p.window, a, kept);
        return kept;
      };
      const auto map =
          choose_blocks(HeadMatrix(q, h), HeadMatrix(k, in.kv_head(h)), in.softmax_scale(), choose);
      branch.tables.push_back(block_table(blocks, blocks, map.data()));
      if (in.explain) maps.insert(maps.end(), map.begin(), map.end());
    }
    plan.branches.push_back(std::move(branch));
    if (in.explain) {
      plan.explained["block_map"] = {{in.heads(), n, n}, std::move(maps)};
      plan.explained["block_prob"] = {{in.heads(), n, n}, std::move(probabilities)};
      plan.explained["block_label"] = {{in.length()}, blocks.label};
    }
    return plan;
  }

 private:
  struct Means {
    Tensor q, k;
  };

  static Means means(const Inputs& in, const Blocks& blocks, Plan& plan) {
    const StageTimer timer(plan, "block means", static_cast<double>(in.q->size() + in.k->size()),
                           blocks.count() * (in.heads() + in.kv_heads()) * in.dim() * 4);
    return {block_means(*in.q, blocks), block_means(*in.k, blocks)};
  }

  /// Those whose sum with all less probable ones is at least `least`. The most probable one always
  /// is: that the sum of all is 1 must not hang on rounding.
  static std::vector<int32_t> most_probable(const std::vector<double>& probability, double least) {
    std::vector<int32_t> order = falling_order(probability);
    double sum = 0;
    while (order.size() > 1 && (sum += probability[order.back()]) < least) order.pop_back();
    return order;
  }

  static void add_window(const Sizes& counts, const Sizes& window, int64_t a,
                         std::vector<int32_t>& kept) {
    const Sizes own{a / counts[2] / counts[1], a / counts[2] % counts[1], a % counts[2]};
    Sizes begin, end;
    for (int axis = 0; axis < 3; ++axis) {
      begin[axis] = std::max<int64_t>(0, own[axis] - window[axis] / 2);
      end[axis] = std::min(counts[axis], own[axis] + window[axis] / 2 + 1);
    }
    for (int64_t t = begin[0]; t < end[0]; ++t)
      for (int64_t y = begin[1]; y < end[1]; ++y)
        for (int64_t x = begin[2]; x < end[2]; ++x)
          kept.push_back(static_cast<int32_t>((t * counts[1] + y) * counts[2] + x));
  }
};

const RegisterBackend<Nabla> registered_nabla;

}  // namespace
}  // namespace vidattn
