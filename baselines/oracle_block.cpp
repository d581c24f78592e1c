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

constexpr int64_t kRows = 256, kKeysOfPass = 512;  // scores that exist at a time, on every thread

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

/// Of several at once, which std::max_element is not.
float largest_of(const float* values, int64_t count) {
  float largest = values[0];
#pragma omp simd reduction(max : largest)
  for (int64_t i = 1; i < count; ++i) largest = values[i] > largest ? values[i] : largest;
  return largest;
}

/// Bounds of runs of whole blocks with at most kRows tokens, or a single larger block: products of
/// more rows are faster.
std::vector<int64_t> batches(const Blocks& blocks) {
  std::vector<int64_t> bounds{0};
  for (int64_t a = 1; a < blocks.count(); ++a)
    if (blocks.start[a + 1] - blocks.start[bounds.back()] > kRows) bounds.push_back(a);
  bounds.push_back(blocks.count());
  return bounds;
}

/// Softmax mass of key blocks under some queries, with the keys passing by once: sums over blocks
/// are relative to a query's largest score so far, and scaled down when it grows.
class MassSums {
 public:
  MassSums(const Blocks& keys, const std::vector<float>& k, int64_t dim, double scale)
      : keys_(keys),
        k_(k),
        dim_(dim),
        scale_(static_cast<float>(scale)),
        scores_(kRows * kKeysOfPass) {}

  /// Takes `rows` queries, at most kRows.
  void attend(const float* q, int64_t rows) {
    const int64_t blocks = keys_.count(), length = keys_.start[blocks];
    sums_.assign(rows * blocks, 0);
    highest_.assign(rows, -std::numeric_limits<float>::infinity());
    int64_t first = 0;  // block of the chunk's first key
    for (int64_t begin = 0; begin < length; begin += kKeysOfPass) {
      const int64_t end = std::min(begin + kKeysOfPass, length);
      gemm_nt(rows, end - begin, dim_, q, dim_, &k_[begin * dim_], dim_, scores_.data(),
              kKeysOfPass, scale_);
      while (keys_.start[first + 1] <= begin) ++first;
      for (int64_t r = 0; r < rows; ++r) add_row(r, first, begin, end);
    }
  }

  /// Adds the mass of the query taken as number r to mass [blocks].
  void add_mass(int64_t r, double* mass) const {
    const int64_t blocks = keys_.count();
    const float* sums = &sums_[r * blocks];
    double total = 0;
    for (int64_t b = 0; b < blocks; ++b) total += sums[b];
    for (int64_t b = 0; b < blocks; ++b) mass[b] += sums[b] / total;
  }

 private:
  void add_row(int64_t r, int64_t first, int64_t begin, int64_t end) {
    const float* scores = &scores_[r * kKeysOfPass];
    float* sums = &sums_[r * keys_.count()];
    const float highest = largest_of(scores, end - begin);
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
  const std::vector<int64_t> bounds = batches(queries);
  RegionErrors errors;
#pragma omp parallel
  {
    std::optional<MassSums> sums;
    std::vector<double> mass;
    const auto sum_blocks = [&](int64_t first, int64_t last) {
      if (!sums) sums.emplace(keys, k, dim, in.softmax_scale());
      mass.assign((last - first) * keys.count(), 0);
      int64_t a = first;
      for (int64_t p = queries.start[first]; p < queries.start[last]; p += kRows) {
        throw_if_cancelled();
        const int64_t end = std::min<int64_t>(p + kRows, queries.start[last]);
        sums->attend(rows_by_block(*in.q, h, queries, p, end).data(), end - p);
        for (int64_t r = 0; r < end - p; ++r) {
          while (queries.start[a + 1] <= p + r) ++a;
          sums->add_mass(r, &mass[(a - first) * keys.count()]);
        }
      }
      for (a = first; a < last; ++a) {
        const auto row = mass.begin() + (a - first) * keys.count();
        take(a, std::vector<float>(row, row + keys.count()));
      }
    };
#pragma omp for schedule(dynamic)
    for (size_t i = 1; i < bounds.size(); ++i)
      errors.catching([&] { sum_blocks(bounds[i - 1], bounds[i]); });
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
            .plans_from = PlansFrom::own_head,
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
                             nq * nk + kRows * (kKeysOfPass + nk) * 4 + in.keys() * in.dim() * 4);
      return for_each_mass(in, h, blocks, take);
    }
    const float* mass = known->as<float>(kMass).data() + h * nq * nk;
    for (int64_t a = 0; a < nq; ++a) take(a, {mass + a * nk, static_cast<size_t>(nk)});
  }
};

const RegisterBackend<OracleBlock> registered_oracle_block;

}  // namespace
}  // namespace vidattn
