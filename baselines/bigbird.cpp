#include <algorithm>
#include <random>
#include <set>

#include "attention/methods/method.h"
#include "baselines/blocks.h"

namespace vidattn {
namespace {

struct BigBirdParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kSource = "arXiv 2007.14062, public code";
  int64_t block_size = integer("block_size", 64, "Tokens of a block.", kSource, 16, 65536);
  int64_t window_blocks = integer(
      "window_blocks", 3,
      "Blocks of the window, the own one in the middle; an even number w covers w+1 blocks.",
      kSource, 1, 1 << 20);
  int64_t global_blocks =
      integer("global_blocks", 2,
              "Blocks that see and are seen by all, half at either end of the sequence.", kSource,
              0, 1 << 20);
  int64_t random_blocks =
      integer("random_blocks", 3, "Random blocks per block of queries.", kSource, 0, 1 << 20);
  int64_t seed = integer("seed", 1, "Seed of the random blocks.", "-", 0);
};

/// Blocks that are visible from a block by position: the first `head` and last `tail` ones are
/// global, and those within `radius` are its window.
struct Layout {
  int64_t blocks, head, tail, radius;

  bool global(int64_t block) const { return block < head || block >= blocks - tail; }
  int64_t window_begin(int64_t block) const { return std::max(head, block - radius); }
  int64_t window_end(int64_t block) const { return std::min(blocks - tail, block + radius + 1); }
};

Layout layout_of(const BigBirdParams& p, int64_t length) {
  const int64_t blocks = (length + p.block_size - 1) / p.block_size;
  const int64_t global = std::min(p.global_blocks, blocks);
  return {blocks, global - global / 2, global / 2, p.window_blocks / 2};
}

/// `count` distinct numbers below `below`, each set equally likely (Floyd's algorithm).
std::set<int64_t> sample(int64_t below, int64_t count, std::mt19937_64& random) {
  std::set<int64_t> chosen;
  for (int64_t last = std::max<int64_t>(0, below - count); last < below; ++last) {
    const auto drawn = static_cast<int64_t>(random() % static_cast<uint64_t>(last + 1));
    chosen.insert(chosen.count(drawn) > 0 ? last : drawn);
  }
  return chosen;
}

/// [nb,nb]. Random blocks are drawn for one query block after the other, numbered through the
/// blocks that it does not see otherwise; a global block, which sees all, draws none.
std::vector<uint8_t> block_map(const Layout& layout, int64_t random_blocks, uint64_t seed) {
  const int64_t n = layout.blocks;
  std::mt19937_64 random(seed);
  std::vector<uint8_t> map(n * n);
  for (int64_t a = 0; a < n; ++a) {
    uint8_t* row = &map[a * n];
    const int64_t begin = layout.window_begin(a), end = layout.window_end(a);
    for (int64_t b = 0; b < n; ++b)
      row[b] = layout.global(a) || layout.global(b) || (b >= begin && b < end);
    if (layout.global(a)) continue;
    const int64_t before = begin - layout.head;
    const int64_t unseen = before + n - layout.tail - end;
    for (int64_t u : sample(unseen, random_blocks, random))
      row[u < before ? layout.head + u : end + u - before] = 1;
  }
  return map;
}

/// BigBird: a block of queries sees a window of neighbouring blocks, the global blocks, which also
/// see all, and random blocks that differ between heads.
///
/// Global blocks are the first ceil(g/2) and the last floor(g/2); a window does not wrap around.
/// Head h draws from std::mt19937_64(seed + h), by `sample` above.
class BigBird : public Method<BigBirdParams> {
 public:
  std::string name() const override { return "bigbird"; }

  BackendInfo describe() const override {
    return {.title = "a window of neighbouring blocks, global blocks and random blocks",
            .paper = "Zaheer et al. 2020, arXiv 2007.14062",
            .plans_from = PlansFrom::nothing,
            .knob = {"random_blocks", 0, 1 << 20},
            .warm_up = DenseWarmUp{}};
  }

  std::vector<DensityKnob> knobs(const Inputs&, const BigBirdParams& p) const override {
    return with_smaller_blocks(info().knob, "block_size", p.block_size, 16);
  }

  Plan make_plan(const Inputs& in, const BigBirdParams& p) const override {
    const Layout layout = layout_of(p, in.length());
    const int64_t n = layout.blocks;
    const auto seed = static_cast<uint64_t>(p.seed);
    Plan plan;
    Branch branch{.name = "bigbird"};
    {
      const StageTimer timer(plan, "block map", 0, n * n);
      const Blocks blocks = run_blocks(in.length(), p.block_size);
      std::vector<uint8_t> maps;
      for (int64_t h = 0; h < (p.random_blocks > 0 ? in.heads() : 1); ++h) {
        const auto map = block_map(layout, p.random_blocks, seed + static_cast<uint64_t>(h));
        HeadTable table = block_table(blocks, blocks, map.data());
        table.query_order = table.key_order = nullptr;  // blocks are runs of the tokens' own order
        branch.tables.push_back(std::move(table));
        if (in.explain) maps.insert(maps.end(), map.begin(), map.end());
      }
      const auto heads = static_cast<int64_t>(branch.tables.size());
      if (in.explain) plan.explained["block_map"] = {{heads, n, n}, std::move(maps)};
    }
    plan.branches.push_back(std::move(branch));
    return plan;
  }
};

const RegisterBackend<BigBird> registered_bigbird;

}  // namespace
}  // namespace vidattn
