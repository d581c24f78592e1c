#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "attention/blas.h"
#include "attention/cancel.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/block_budget.h"
#include "baselines/blocks.h"
#include "baselines/exp_sum.h"
#include "baselines/near_ties.h"

namespace vidattn {
namespace {

constexpr int64_t kRows = 64, kKeys = 1024;  // scores that exist at a time, on every thread

struct OracleBlockParams : ParamFields {
  using ParamFields::ParamFields;
  BlockBudget budget = BlockBudget(*this);
};

/// One head's rows in the order of blocks, each next to the other.
std::vector<float> rows_by_block(const Tensor& tensor, int64_t head, const Blocks& blocks,
                                 int64_t first, int64_t last) {
  std::vector<float> rows((last - first) * tensor.dim());
  for (int64_t p = first; p < last; ++p)
    tensor.read_row((*blocks.order)[p], head, &rows[(p - first) * tensor.dim()]);
  return rows;
}

/// Softmax mass of key blocks, summed over the queries of a block, with the keys passing by once:
/// sums over blocks are relative to the largest score so far, and scaled down when it grows.
class MassSums {
 public:
  MassSums(const Blocks& keys, const std::vector<float>& k, int64_t dim, double scale)
      : keys_(keys), k_(k), dim_(dim), scale_(static_cast<float>(scale)), scores_(kRows * kKeys) {}

  /// Adds the mass of `rows` queries, at most kRows, to mass [blocks].
  void add(const float* q, int64_t rows, std::vector<double>& mass) {
    const int64_t blocks = keys_.count(), length = keys_.start[blocks];
    sums_.assign(rows * blocks, 0);
    highest_.assign(rows, -std::numeric_limits<float>::infinity());
    int64_t first = 0;  // block of the chunk's first key
    for (int64_t begin = 0; begin < length; begin += kKeys) {
      const int64_t end = std::min(begin + kKeys, length);
      gemm_nt(rows, end - begin, dim_, q, dim_, &k_[begin * dim_], dim_, scores_.data(), kKeys,
              scale_);
      while (keys_.start[first + 1] <= begin) ++first;
      for (int64_t r = 0; r < rows; ++r) add_row(r, first, begin, end);
    }
    for (int64_t r = 0; r < rows; ++r) {
      const float* sums = &sums_[r * blocks];
      double total = 0;
      for (int64_t b = 0; b < blocks; ++b) total += sums[b];
      for (int64_t b = 0; b < blocks; ++b) mass[b] += sums[b] / total;
    }
  }

 private:
  void add_row(int64_t r, int64_t first, int64_t begin, int64_t end) {
    const float* scores = &scores_[r * kKeys];
    float* sums = &sums_[r * keys_.count()];
    const float highest = *std::max_element(scores, scores + (end - begin));
    if (highest > highest_[r]) {
      const float smaller = std::exp(highest_[r] - highest);
      for (int64_t b = 0; b <= first; ++b) sums[b] *= smaller;
      highest_[r] = highest;
    }
    for (int64_t b = first; b < keys_.count() && keys_.start[b] < end; ++b) {
      const int64_t from = std::max<int64_t>(keys_.start[b], begin);
      const int64_t to = std::min<int64_t>(keys_.start[b + 1], end);
      sums[b] += exp_sum(scores + (from - begin), to - from, highest_[r]);
    }
  }

  const Blocks& keys_;
  const std::vector<float>& k_;  ///< [keys, dim] by block
  int64_t dim_;
  float scale_;
  std::vector<float> scores_, sums_, highest_;
};

/// What the mass of every (query block, key block) of one head is put to: called on several
/// threads, once for each query block.
using TakeMass = std::function<void(int64_t query_block, std::span<const float> mass)>;

void for_each_mass(const Inputs& in, int64_t h, const QueryKeyBlocks& blocks,
                   const TakeMass& take) {
  const Blocks &queries = blocks.queries, &keys = blocks.keys;
  const int64_t dim = in.dim();
  const auto k = rows_by_block(*in.k, in.kv_head(h), keys, 0, keys.start[keys.count()]);
  RegionErrors errors;
#pragma omp parallel
  {
    std::optional<MassSums> sums;
    std::vector<double> mass;
    const auto sum_block = [&](int64_t a) {
      if (!sums) sums.emplace(keys, k, dim, in.softmax_scale());
      mass.assign(keys.count(), 0);
      for (int64_t p = queries.start[a]; p < queries.start[a + 1]; p += kRows) {
        throw_if_cancelled();
        const int64_t end = std::min<int64_t>(p + kRows, queries.start[a + 1]);
        sums->add(rows_by_block(*in.q, h, queries, p, end).data(), end - p, mass);
      }
      take(a, std::vector<float>(mass.begin(), mass.end()));
    };
#pragma omp for schedule(dynamic)
    for (int64_t a = 0; a < queries.count(); ++a) errors.catching([&] { sum_block(a); });
  }
  errors.rethrow();
}

/// The ceiling of all methods that keep equally many key blocks for every query block: those of the
/// largest true softmax mass, summed over the queries of the block and not divided by the number of
/// keys. It computes all scores, so that planning costs as much as full attention. Masses that
/// differ by rounding alone (1e-5) are equal, the lower index wins.
class OracleBlock : public Method<OracleBlockParams> {
 public:
  std::string name() const override { return "oracle_block"; }

  BackendInfo describe() const override {
    return {.title = "ceiling, no method: the key blocks of largest true mass per query block",
            .takes_cross = true,
            .knob = {"keep", 0, 1}};
  }

  std::vector<DensityKnob> knobs(const Inputs&, const OracleBlockParams& p) const override {
    return p.budget.knobs();
  }

  /// The masses, which the knob leaves as they are.
  void prepare_search(Inputs& in, const OracleBlockParams& p) const override {
    if (!takes_text(p) && in.grid.text_tokens > 0) return;  // planned on a part of the tokens
    const QueryKeyBlocks blocks = blocks_of(in, p.budget, name());
    Array all{{in.heads(), blocks.queries.count(), blocks.keys.count()}, {}};
    std::vector<float> values(all.size());
    for (int64_t h = 0; h < in.heads(); ++h)
      for_each_mass(in, h, blocks, [&](int64_t a, std::span<const float> mass) {
        std::copy(mass.begin(), mass.end(), &values[(h * all.shape[1] + a) * all.shape[2]]);
      });
    all.values = std::move(values);
    in.extra[kMass] = std::make_shared<const Array>(std::move(all));
  }

  Plan make_plan(const Inputs& in, const OracleBlockParams& p) const override {
    const QueryKeyBlocks blocks = blocks_of(in, p.budget, name());
    const int64_t nq = blocks.queries.count(), nk = blocks.keys.count();
    const std::vector<int64_t> shape{in.heads(), nq, nk};
    const int64_t kept = p.budget.count(nk, name());
    Plan plan;
    Branch branch{.name = "oracle_block"};
    std::vector<uint8_t> maps;
    std::vector<float> masses(in.explain ? in.heads() * nq * nk : 0);
    std::vector<uint8_t> map(nq * nk);
    for (int64_t h = 0; h < in.heads(); ++h) {
      std::fill(map.begin(), map.end(), 0);
      choose(in, h, blocks, plan, [&](int64_t a, std::span<const float> mass) {
        for (const int32_t b : near_top_k(mass, kept, kMassTolerance)) map[a * nk + b] = 1;
        if (in.explain) std::copy(mass.begin(), mass.end(), &masses[(h * nq + a) * nk]);
      });
      branch.tables.push_back(block_table(blocks.queries, blocks.keys, map.data()));
      if (in.explain) maps.insert(maps.end(), map.begin(), map.end());
    }
    plan.branches.push_back(std::move(branch));
    if (in.explain) {
      plan.explained["block_map"] = {shape, std::move(maps)};
      plan.explained["block_mass"] = {shape, std::move(masses)};
      plan.explained["block_label"] = {{in.length()}, blocks.queries.label};
    }
    return plan;
  }

 protected:
  /// Tiles are of the video alone.
  bool takes_text(const OracleBlockParams& p) const override { return p.budget.tile.empty(); }

 private:
  static constexpr const char* kMass = "true block mass";  // no name that anyone could give

  static void choose(const Inputs& in, int64_t h, const QueryKeyBlocks& blocks, Plan& plan,
                     const TakeMass& take) {
    const int64_t nq = blocks.queries.count(), nk = blocks.keys.count();
    const Array* known = in.find(kMass);
    if (known == nullptr || known->shape != std::vector<int64_t>{in.heads(), nq, nk}) {
      const auto pairs = static_cast<double>(in.length()) * static_cast<double>(in.keys());
      const StageTimer timer(plan, "true scores", 2.0 * pairs * static_cast<double>(in.dim()),
                             nq * nk + kRows * (kKeys + nk) * 4 + in.keys() * in.dim() * 4);
      return for_each_mass(in, h, blocks, take);
    }
    const float* mass = known->as<float>(kMass).data() + h * nq * nk;
    for (int64_t a = 0; a < nq; ++a) take(a, {mass + a * nk, static_cast<size_t>(nk)});
  }
};

const RegisterBackend<OracleBlock> registered;

}  // namespace
}  // namespace vidattn
