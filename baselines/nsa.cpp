#include <algorithm>
#include <limits>

#include "attention/blas.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/blocks.h"
#include "baselines/exp_sum.h"
#include "baselines/largest.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

struct NsaParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kSource = "NSA §4.1; fla-org";
  bool causal = flag("causal", false, "No key after its query, as published for text.");
  int64_t block_size =
      integer("block_size", 64, "Tokens of a block; the last may be short.", kSource, 1, 1 << 30);
  int64_t block_count =
      integer("block_count", 16, "Selected blocks per query, the own one included.", kSource, 2);
  int64_t window = integer(
      "window", 512,
      "Keys that the window spans back from the query, itself included; not causal: each way.",
      kSource, 1);
  double gate =
      real("gate", 0.5,
           "Gate of a branch whose gates are not given; 0.3333 makes the output their mean.",
           "fla-org: sigmoid of a linear layer without bias, so 0.5 untrained", 0);
  int64_t q_heads =
      integer("q_heads", 0, "Query heads, for checking only; 0 = not checked.", "", 0);
  int64_t kv_heads =
      integer("kv_heads", 0, "Key heads, for checking only; 0 = not checked.", "", 0);
};

/// Blocks that the compressed branch shows a query; causal ones once they are complete.
int64_t visible_blocks(int64_t query, int64_t blocks, int64_t block, bool causal) {
  return causal ? (query + 1) / block : blocks;
}

/// Chooses the blocks of every query of one key head.
class Selector {
 public:
  Selector(const Inputs& in, const Tensor& key_means, const NsaParams& p, int64_t kv_head)
      : in_(in),
        keys_(key_means, kv_head),
        block_(p.block_size),
        count_(std::min(p.block_count, key_means.length())),
        causal_(p.causal),
        group_(in.heads() / in.kv_heads()),
        first_head_(kv_head * group_) {}

  /// Calls visit(lists) for every kQueries queries, ascending: per block, those that chose it.
  template <class Visit>
  void each(Visit&& visit) const {
    const int64_t length = in_.length();
    std::vector<int32_t> chosen(std::min(kTogether, length) * count_);
    std::vector<std::vector<int32_t>> lists(keys_.rows());
    for (int64_t together = 0; together < length; together += kTogether) {
      const int64_t end = std::min(length, together + kTogether);
      choose_all(together, end, chosen.data());
      for (int64_t begin = together; begin < end; begin += kQueries) {
        for (auto& list : lists) list.clear();
        for (int64_t i = begin; i < std::min(end, begin + kQueries); ++i)
          for (int64_t c = 0; c < count_of(i); ++c)
            lists[chosen[(i - together) * count_ + c]].push_back(static_cast<int32_t>(i));
        visit(lists);
      }
    }
  }

  /// Entries of all lists together.
  int64_t total() const {
    int64_t sum = 0;
    for (int64_t i = 0; i < in_.length(); ++i) sum += count_of(i);
    return sum;
  }

  /// Scores of one thread, and choices by query and by block.
  int64_t scratch_bytes() const {
    return kRows * keys_.rows() * 12 +
           (std::min(kTogether, in_.length()) + std::min(kQueries, in_.length())) * count_ * 4;
  }

 private:
  static constexpr int64_t kQueries = 2048;  // queries whose selections are listed at a time
  static constexpr int64_t kTogether = 8 * kQueries;  // and that choose between two barriers
  // Queries that a thread scores at a time: each product packs all block means anew.
  static constexpr int64_t kRows = 256;

  /// Blocks that a query chooses: causal ones from its own and those before.
  int64_t count_of(int64_t query) const {
    return causal_ ? std::min(count_, query / block_ + 1) : count_;
  }

  /// Of one thread: scores, and importance where several heads choose together, [kRows, blocks].
  struct Scratch {
    std::vector<float> scores;
    std::vector<double> importance;
  };

  void choose_all(int64_t begin, int64_t end, int32_t* chosen) const {
    RegionErrors errors;
#pragma omp parallel
    {
      Scratch scratch;
#pragma omp for schedule(dynamic)
      for (int64_t first = begin; first < end; first += kRows)
        errors.catching([&] {
          choose_rows(first, std::min(kRows, end - first), scratch,
                      chosen + (first - begin) * count_);
        });
    }
    errors.rethrow();
  }

  /// `chosen` has room for count_ blocks of every row.
  void choose_rows(int64_t first, int64_t rows, Scratch& scratch, int32_t* chosen) const {
    const int64_t blocks = keys_.rows();
    std::vector<float>& scores = scratch.scores;
    std::vector<double>& importance = scratch.importance;
    scores.resize(kRows * blocks);
    importance.assign(group_ == 1 ? 0 : rows * blocks, 0);
    for (int64_t h = first_head_; h < first_head_ + group_; ++h) {
      const HeadMatrix queries(*in_.q, h, first, first + rows);
      gemm_nt(rows, blocks, in_.dim(), queries.row(0), queries.stride(), keys_.row(0),
              keys_.stride(), scores.data(), blocks, static_cast<float>(in_.softmax_scale()));
      for (int64_t r = 0; r < rows && group_ > 1; ++r)
        add_importance(&scores[r * blocks], visible_blocks(first + r, blocks, block_, causal_),
                       &importance[r * blocks]);
    }
    // A single head's probabilities are in the order of its scores.
    for (int64_t r = 0; r < rows; ++r, chosen += count_)
      if (group_ == 1)
        choose(first + r, &scores[r * blocks], chosen);
      else
        choose(first + r, &importance[r * blocks], chosen);
  }

  /// Adds the probabilities of one head's visible blocks, all that may be chosen.
  static void add_importance(float* scores, int64_t visible, double* importance) {
    if (visible == 0) return;
    const float highest = highest_of(scores, visible);
    const double sum = exp_sum(scores, visible, highest, scores);
    for (int64_t b = 0; b < visible; ++b) importance[b] += scores[b] / sum;
  }

  /// The own block and the most important others; causal ones are before it, so complete.
  template <class T>
  void choose(int64_t query, T* importance, int32_t* chosen) const {
    const int64_t own = query / block_;
    importance[own] = std::numeric_limits<T>::infinity();
    take_top(std::span<const T>(importance, causal_ ? own + 1 : keys_.rows()), chosen);
  }

  void take_top(std::span<const float> scores, int32_t* chosen) const {
    largest(scores, count_, chosen);
  }
  void take_top(std::span<const double> probabilities, int32_t* chosen) const {
    const auto kept = top_k(probabilities, count_);
    std::copy(kept.begin(), kept.end(), chosen);
  }

  const Inputs& in_;
  HeadMatrix keys_;
  int64_t block_, count_;
  bool causal_;
  int64_t group_, first_head_;
};

/// Native sparse attention (Yuan et al. 2025) with mean compression, as in the public reference:
/// every query attends to block means, to the tokens of its most important blocks and to a window;
/// three gates per token and head weigh the results. Published causal for text; not causal by
/// default here, since video tokens attend in both directions.
class Nsa : public Method<NsaParams> {
 public:
  std::string name() const override { return "nsa"; }

  BackendInfo describe() const override {
    return {.title = "block means, the most important blocks and a window, weighed by gates",
            .paper = "Yuan et al. 2025, arXiv 2502.11089",
            .takes_width = false,
            .inputs = {{"g_cmp", "[L,H]", "Gate of the compressed branch."},
                       {"g_slc", "[L,H]", "Gate of the selected branch."},
                       {"g_swa", "[L,H]", "Gate of the window branch."}},
            .knob = {"block_count", 2, 1 << 20}};
  }

  /// Then the window, whose steps are single keys, beside the count of blocks given and the least.
  std::vector<DensityKnob> knobs(const Inputs& in, const NsaParams& p) const override {
    const auto length = static_cast<double>(in.length());
    return {info().knob,
            {"window", 1, length, {{"block_count", std::to_string(p.block_count)}}},
            {"window", 1, length, {{"block_count", to_text(info().knob.sparse)}}}};
  }

  Plan make_plan(const Inputs& in, const NsaParams& p) const override {
    for (const InputSpec& gate : info().inputs) check_gate(in, gate.name);
    const Blocks blocks = run_blocks(in.length(), p.block_size);
    Plan plan;
    Branch compressed = compressed_branch(in, blocks, p, plan);
    plan.branches.push_back(selected_branch(in, blocks, *compressed.prepared.k, p, plan));
    plan.branches.push_back(window_branch(in, p));
    plan.branches.push_back(std::move(compressed));
    if (in.explain && in.device) explain(in, plan);
    for (Branch& branch : plan.branches) set_gate(in, "g_" + branch.name, p.gate, branch);
    return plan;
  }

  /// Of the gates that are given.
  std::map<std::string, Array> input_gradients_of(const Inputs& in, const NsaParams&,
                                                  const Plan& plan,
                                                  const Gradients& gradients) const override {
    std::map<std::string, Array> found;
    for (size_t b = 0; b < plan.branches.size(); ++b) {
      const std::string name = "g_" + plan.branches[b].name;
      if (const Array* gate = in.find(name))
        found[name] = {gate->shape, gradients.branches[b].token_weight};
    }
    return found;
  }

  Facts facts(const Inputs& in, const NsaParams&, const Plan&) const override {
    return {{"q_heads", in.heads()}, {"kv_heads", in.kv_heads()}};
  }

 private:
  static void check_gate(const Inputs& in, const std::string& name) {
    const Array* gate = in.find(name);
    if (!gate) return;
    gate->as<float>(name.c_str());  // refuses another type
    if (gate->shape != std::vector<int64_t>{in.length(), in.heads()})
      throw InputError("nsa: " + name + " must be [L,H], one gate per token and query head");
  }

  static void set_gate(const Inputs& in, const std::string& name, double otherwise,
                       Branch& branch) {
    if (const Array* gate = in.find(name))
      branch.token_weight = make_list(gate->as<float>(name.c_str()));
    else
      branch.weight = static_cast<float>(otherwise);
  }

  static Branch compressed_branch(const Inputs& in, const Blocks& blocks, const NsaParams& p,
                                  Plan& plan) {
    const StageTimer timer(plan, "block means", 2.0 * static_cast<double>(in.k->size()),
                           0);  // the means are the plan's own operands
    const auto length = static_cast<int32_t>(in.length());
    const auto count = static_cast<int32_t>(blocks.count());
    HeadTable table;
    if (p.causal) {
      const auto size = static_cast<int32_t>(p.block_size);
      // The last token of block b is the first query that sees it; no query sees block 0 before.
      for (int32_t seen = 1; int64_t{seen} * size <= length; ++seen)
        table.add(seen * size - 1, std::min<int32_t>(length, seen * size + size - 1), {{0, seen}});
    } else {
      table.add(0, length, {{0, count}});
    }
    return {.name = "cmp",
            .prepared = {nullptr, std::make_shared<const Tensor>(block_means(*in.k, blocks)),
                         std::make_shared<const Tensor>(block_means(*in.v, blocks)), nullptr,
                         pooling_of(blocks), pooling_of(blocks)},
            .tables = {std::move(table)}};
  }

  static Branch selected_branch(const Inputs& in, const Blocks& blocks, const Tensor& key_means,
                                const NsaParams& p, Plan& plan) {
    const int64_t count = blocks.count();
    Branch branch{.name = "slc", .repeats_queries = true};
    std::vector<uint8_t> select(in.explain ? in.kv_heads() * in.length() * count : 0);
    for (int64_t g = 0; g < in.kv_heads(); ++g) {
      const Selector selector(in, key_means, p, g);
      const int64_t group = in.heads() / in.kv_heads();
      const StageTimer timer(plan, "block selection",
                             2.0 * static_cast<double>(in.length() * count * in.dim() * group),
                             selector.scratch_bytes());
      HeadTable table;
      std::vector<int32_t> order;
      order.reserve(selector.total());
      selector.each([&](const std::vector<std::vector<int32_t>>& lists) {
        add_selection(blocks, lists, p.causal, table, order);
        for (int64_t b = 0; b < count && in.explain; ++b)
          for (int32_t i : lists[b]) select[(g * in.length() + i) * count + b] = 1;
      });
      table.query_order = make_order(std::move(order));
      branch.tables.push_back(std::move(table));
    }
    if (in.explain)
      plan.explained["select"] = {{in.kv_heads(), in.length(), count}, std::move(select)};
    return branch;
  }

  static Branch window_branch(const Inputs& in, const NsaParams& p) {
    const auto length = static_cast<int32_t>(in.length());
    const auto reach = static_cast<int32_t>(std::min(p.window, in.length()) - 1);
    HeadTable table;
    table.add(0, length, {{0, length, -reach, p.causal ? 0 : reach}});
    return {.name = "swa", .tables = {std::move(table)}};
  }

  /// Outputs before the gates; called while the branches have none.
  static void explain(const Inputs& in, Plan& plan) {
    for (const Branch& branch : plan.branches) {
      Plan alone;
      alone.branches.push_back(branch);
      Output out;
      in.device->run(alone, in, out);
      std::vector<float> o(out.o.size());
      for (int64_t i = 0; i < in.length(); ++i)
        for (int64_t h = 0; h < in.heads(); ++h) out.o.read_row(i, h, &o[out.o.offset(i, h)]);
      plan.explained["o_" + branch.name] = {{in.length(), in.heads(), in.dim()}, std::move(o)};
    }
  }
};

const RegisterBackend<Nsa> registered_nsa;

}  // namespace
}  // namespace vidattn
