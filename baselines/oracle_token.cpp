#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/blas.h"
#include "attention/cancel.h"
#include "attention/error.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/blocks.h"
#include "baselines/near_ties.h"

namespace vidattn {
namespace {

constexpr int64_t kQueriesAtOnce = 64;  // whose scores exist at a time, on every thread

struct OracleTokenParams : ParamFields {
  using ParamFields::ParamFields;
  int64_t k = integer("k", 0, "Keys per query; not given = from keep.", "-", 1);
  double keep =
      real("keep", 0.1, "Share of all keys per query, rounded to a whole number; at least one.",
           "-", 0, 1);
  int64_t text_length =
      integer("text_length", -1, "Text tokens, for checking only; -1 = not checked.", "-", -1);

  bool keep_given = given("keep");

  int64_t count(int64_t keys) const {
    if (k > 0 && keep_given) throw InputError("oracle_token: give k or keep, not both");
    const auto share = static_cast<int64_t>(std::llround(keep * static_cast<double>(keys)));
    return std::clamp<int64_t>(k > 0 ? k : share, 1, keys);
  }
};

/// What is selected for one head: `count` keys of every query, ascending, and, when asked for,
/// their share of the full softmax.
struct Chosen {
  std::vector<int32_t> keys;
  std::vector<float> recall;
};

/// The ceiling of all methods that attend to `count` keys per query: those of the largest true
/// probability, found by computing all scores. Keys whose scores differ by rounding alone (2e-6 of
/// the row's largest) are equal, the lower index wins. Text tokens are tokens like any other.
///
/// A method that gives some queries more keys than others can get more mass at the same density, if
/// it knows which; none here does.
class OracleToken : public Method<OracleTokenParams> {
 public:
  std::string name() const override { return "oracle_token"; }

  BackendInfo describe() const override {
    return {.title = "ceiling, no method: the keys of largest true probability per query and head",
            .takes_cross = true,
            .plans_from = PlansFrom::own_head,
            .knob = {"keep", 0, 1}};
  }

  std::vector<DensityKnob> knobs(const Inputs&, const OracleTokenParams& p) const override {
    return p.k > 0 ? std::vector<DensityKnob>{} : std::vector{info().knob};
  }

  Plan make_plan(const Inputs& in, const OracleTokenParams& p) const override {
    const int64_t count = p.count(in.keys());
    check_size(in, count);
    Plan plan;
    Branch branch{.name = "oracle_token"};
    std::vector<int32_t> select;
    std::vector<float> recall(in.explain ? in.length() * in.heads() : 0);
    for (int64_t h = 0; h < in.heads(); ++h) {
      if (count == in.keys() && !in.explain) break;
      Chosen chosen = choose(in, h, count, plan);
      if (in.explain) {
        select.insert(select.end(), chosen.keys.begin(), chosen.keys.end());
        for (int64_t i = 0; i < in.length(); ++i) recall[i * in.heads() + h] = chosen.recall[i];
      }
      branch.tables.push_back(listed(std::move(chosen.keys), in.length(), count));
    }
    if (count == in.keys()) branch.tables = full_plan(in).branches[0].tables;
    plan.branches.push_back(std::move(branch));
    if (in.explain) {
      plan.explained["select_index"] = {{in.heads(), in.length(), count}, std::move(select)};
      plan.explained["recall"] = {{in.length(), in.heads()}, std::move(recall)};
    }
    return plan;
  }

  Facts facts(const Inputs& in, const OracleTokenParams&, const Plan&) const override {
    return {{"text_length", in.grid.text_tokens}};
  }

 private:
  static void check_size(const Inputs& in, int64_t count) {
    const double entries =
        static_cast<double>(in.length()) * static_cast<double>(count * in.heads());
    if (count < in.keys() && entries > std::numeric_limits<int32_t>::max())
      throw InputError("oracle_token: " + std::to_string(in.length()) + " queries of " +
                       std::to_string(in.heads()) + " heads with " + std::to_string(count) +
                       " keys each are more than the 2^31 keys that a plan may list; measure fewer "
                       "heads, or oracle_block");
  }

  static Chosen choose(const Inputs& in, int64_t h, int64_t count, Plan& plan) {
    const int64_t length = in.length(), keys = in.keys();
    const StageTimer timer(plan, "true scores",
                           2.0 * static_cast<double>(length) * static_cast<double>(keys * in.dim()),
                           std::min(length, kQueriesAtOnce) * keys * 4);
    const HeadMatrix k(*in.k, in.kv_head(h));
    Chosen chosen{std::vector<int32_t>(length * count),
                  std::vector<float>(in.explain ? length : 0)};
    RegionErrors errors;
#pragma omp parallel
    {
      std::vector<float> scores;
      const auto choose_rows = [&](int64_t begin) {
        throw_if_cancelled();
        const HeadMatrix q(*in.q, h, begin, std::min(begin + kQueriesAtOnce, length));
        scores.resize(q.rows() * keys);
        gemm_nt(q.rows(), keys, in.dim(), q.row(0), q.stride(), k.row(0), k.stride(), scores.data(),
                keys, static_cast<float>(in.softmax_scale()));
        for (int64_t r = 0; r < q.rows(); ++r) {
          const std::span row(&scores[r * keys], static_cast<size_t>(keys));
          int32_t* out = &chosen.keys[(begin + r) * count];
          std::ranges::copy(near_top_k(row, count, score_tolerance(row)), out);
          if (in.explain)
            chosen.recall[begin + r] = mass_of(row, {out, static_cast<size_t>(count)});
        }
      };
#pragma omp for schedule(dynamic)
      for (int64_t begin = 0; begin < length; begin += kQueriesAtOnce)
        errors.catching([&] { choose_rows(begin); });
    }
    errors.rethrow();
    return chosen;
  }

  static float mass_of(std::span<const float> scores, std::span<const int32_t> chosen) {
    const double highest = *std::max_element(scores.begin(), scores.end());
    double all = 0, mass = 0;
    for (const float s : scores) all += std::exp(s - highest);
    for (const int32_t j : chosen) mass += std::exp(scores[j] - highest);
    return static_cast<float>(mass / all);
  }

  /// Query i sees the positions [i * count, (i + 1) * count) of the listed keys: 4 bytes for a key,
  /// where a range of its own would have 16.
  static HeadTable listed(std::vector<int32_t> keys, int64_t length, int64_t count) {
    HeadTable table;
    table.key_order = make_order(std::move(keys));
    table.segments.reserve(length);
    table.ranges.reserve(length);
    for (int64_t i = 0; i < length; ++i) {
      const auto query = static_cast<int32_t>(i);
      table.segments.push_back({query, query + 1, query, query + 1});
      table.ranges.push_back(
          {static_cast<int32_t>(i * count), static_cast<int32_t>((i + 1) * count)});
    }
    return table;
  }
};

const RegisterBackend<OracleToken> registered_oracle_token;

}  // namespace
}  // namespace vidattn
