#include <numeric>

#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/block_budget.h"
#include "baselines/blocks.h"

namespace vidattn {
namespace {

struct RandomBlockParams : ParamFields {
  using ParamFields::ParamFields;
  BlockBudget budget = BlockBudget(*this);
  int64_t seed = integer("seed", 1, "Seed of the random blocks.", "-", 0);
};

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
class SplitMix {
 public:
  explicit SplitMix(uint64_t state) : state_(state) {}
  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

/// The first `count` of a random order of [0, blocks): a larger count adds to the same ones.
std::vector<int32_t> draw(int64_t blocks, int64_t count, uint64_t seed) {
  std::vector<int32_t> order(blocks);
  std::iota(order.begin(), order.end(), 0);
  SplitMix random(seed);
  for (int64_t i = 0; i < count; ++i)
    std::swap(order[i],
              order[i + static_cast<int64_t>(random.next() % static_cast<uint64_t>(blocks - i))]);
  order.resize(count);
  return order;
}

/// The floor: every query block of every head sees equally many key blocks, drawn at random
/// whatever the inputs. A method that is not above it has found nothing.
class RandomBlock : public Method<RandomBlockParams> {
 public:
  std::string name() const override { return "random_block"; }

  BackendInfo describe() const override {
    return {.title = "floor, no method: random key blocks, equally many for every query block",
            .takes_cross = true,
            .plans_from = PlansFrom::nothing,
            .knob = {"keep", 0, 1}};
  }

  std::vector<DensityKnob> knobs(const Inputs&, const RandomBlockParams& p) const override {
    return p.budget.knobs();
  }

  Plan make_plan(const Inputs& in, const RandomBlockParams& p) const override {
    const auto [queries, keys] = blocks_of(in, p.budget, name());
    const int64_t nq = queries.count(), nk = keys.count(), kept = p.budget.count(nk, name());
    Plan plan;
    Branch branch{.name = "random_block"};
    std::vector<uint8_t> maps;
    {
      const StageTimer timer(plan, "drawing", 0, nq * nk);
      for (int64_t h = 0; h < in.heads(); ++h) {
        const auto map = random_map(nq, nk, kept, head_seed(p.seed, h));
        branch.tables.push_back(block_table(queries, keys, map.data()));
        if (in.explain) maps.insert(maps.end(), map.begin(), map.end());
      }
    }
    plan.branches.push_back(std::move(branch));
    if (in.explain) {
      plan.explained["block_map"] = {{in.heads(), nq, nk}, std::move(maps)};
      plan.explained["block_label"] = {{in.length()}, queries.label};
    }
    return plan;
  }

 protected:
  /// Tiles are of the video alone.
  bool takes_text(const RandomBlockParams& p) const override { return p.budget.tile.empty(); }

 private:
  static uint64_t head_seed(int64_t seed, int64_t head) {
    return SplitMix((static_cast<uint64_t>(seed) << 16) + static_cast<uint64_t>(head)).next();
  }

  static std::vector<uint8_t> random_map(int64_t nq, int64_t nk, int64_t kept, uint64_t seed) {
    std::vector<uint8_t> map(nq * nk);
    RegionErrors errors;
#pragma omp parallel for schedule(static)
    for (int64_t a = 0; a < nq; ++a)
      errors.catching([&] {
        for (const int32_t b : draw(nk, kept, seed + static_cast<uint64_t>(a))) map[a * nk + b] = 1;
      });
    errors.rethrow();
    return map;
  }
};

const RegisterBackend<RandomBlock> registered_random_block;

}  // namespace
}  // namespace vidattn
