#include "metrics/plan/stats.h"

#include <algorithm>

namespace vidattn {
namespace {

bool attends_own_keys(const Branch& branch) { return branch.prepared.k == nullptr; }

struct LinearFlops {
  double forward = 0, backward = 0;
};

/// Linear terms and slopes of values as they are computed (attention/terms/linear.h,
/// attention/backward/slope.h): backward the sums of features again, and their gradients on either
/// side.
LinearFlops linear_flops(const Plan& plan, const Inputs& in) {
  const auto tokens = static_cast<double>(in.length() * in.heads());
  const auto keys = static_cast<double>(in.keys() * in.kv_heads());
  const auto dim = static_cast<double>(in.dim()), value_dim = static_cast<double>(in.value_dim());
  LinearFlops flops;
  const auto add = [&](double forward, double backward) {
    flops.forward += forward;
    flops.backward += backward;
  };
  for (const LinearTerm& term : plan.linear) {
    const double sums = 2 * static_cast<double>(term.q->dim()) * (value_dim + 1) * (tokens + keys);
    const double projection = term.projection.empty() ? 0 : 2 * tokens * value_dim * value_dim;
    add(sums + projection, 3 * sums + 2 * projection);
  }
  for (const Branch& branch : plan.branches)
    if (branch.value_slope)
      add(2 * tokens * dim * value_dim, 4 * dim * value_dim * (tokens + keys));
  return flops;
}

void mark(const Branch& branch, size_t t, const Inputs& in, uint8_t* mask) {
  const HeadTable& table = branch.tables[t];
  const auto tokens = tokens_of_rows(branch, t, in);
  for (const Segment& s : table.segments)
    for (int64_t p = s.query_begin; p < s.query_end; ++p)
      for (int32_t token : tokens[table.query_row(p)])
        for (int32_t r = s.range_begin; r < s.range_end; ++r)
          for (int64_t n = table.ranges[r].first(p); n < table.ranges[r].last(p); ++n)
            mask[token * in.keys() + table.key_row(n)] = 1;
}

}  // namespace

std::vector<std::vector<int32_t>> tokens_of_rows(const Branch& branch, size_t table,
                                                 const Inputs& in) {
  std::vector<std::vector<int32_t>> tokens(branch.operands(in).q.length());
  for (int64_t i = 0; i < in.length(); ++i) {
    const int64_t row = branch.output_map.empty() ? i : branch.output_map[table][i];
    if (row >= 0) tokens[row].push_back(static_cast<int32_t>(i));
  }
  return tokens;
}

PlanStats plan_stats(const Plan& plan, const Inputs& in) {
  PlanStats stats;
  const int64_t heads = in.heads();
  const double per_head = static_cast<double>(in.length()) * static_cast<double>(in.keys());
  stats.dense_pairs = heads * in.length() * in.keys();
  stats.density_per_head.resize(heads);
  const double key_part =
      static_cast<double>(in.dim()) / static_cast<double>(in.dim() + in.value_dim());
  for (const Branch& branch : plan.branches) {
    std::vector<int64_t> per_table;
    for (const HeadTable& table : branch.tables) per_table.push_back(table.pairs());
    BranchStats b{branch.name, std::vector<int64_t>(heads), 0};
    for (int64_t h = 0; h < heads; ++h) {
      b.pairs[h] = per_table[branch.table_index(h, heads)];
      const int64_t scored = branch.scored.empty() ? b.pairs[h] : branch.scored[h];
      const auto pairs = static_cast<double>(b.pairs[h]);
      const double work = pairs + key_part * static_cast<double>(scored - b.pairs[h]);
      b.density += work / static_cast<double>(stats.dense_pairs);
      stats.density_per_head[h] += work / per_head;
      stats.pairs += b.pairs[h];
      stats.scored_pairs += scored;
    }
    stats.density += b.density;
    stats.branches.push_back(std::move(b));
  }
  if (stats.pairs == stats.scored_pairs)  // rounded once
    stats.density = static_cast<double>(stats.pairs) / static_cast<double>(stats.dense_pairs);
  const LinearFlops linear = linear_flops(plan, in);
  stats.linear_flops = linear.forward;
  stats.flops = 2.0 * (static_cast<double>(stats.scored_pairs) * static_cast<double>(in.dim()) +
                       static_cast<double>(stats.pairs) * static_cast<double>(in.value_dim())) +
                stats.linear_flops;
  stats.run_flops =
      2.0 * static_cast<double>(stats.pairs) * static_cast<double>(in.dim() + in.value_dim()) +
      stats.linear_flops;
  stats.backward_flops = 2.0 * static_cast<double>(stats.pairs) *
                             static_cast<double>(3 * in.dim() + 2 * in.value_dim()) +
                         linear.backward;
  for (const PlanStage& stage : plan.stages) {
    stats.planning_flops += stage.flops;
    stats.planning_bytes = std::max(stats.planning_bytes, stage.bytes);
  }
  stats.index_bytes = plan.index_bytes();
  stats.prepared_bytes = plan.prepared_bytes();
  return stats;
}

Array plan_mask(const Plan& plan, const Inputs& in) {
  const bool shared = std::all_of(plan.branches.begin(), plan.branches.end(),
                                  [](const Branch& b) { return b.tables.size() == 1; });
  const int64_t heads = shared ? 1 : in.heads();
  const int64_t pairs = in.length() * in.keys();
  std::vector<uint8_t> mask(heads * pairs);
  for (int64_t h = 0; h < heads; ++h)
    for (const Branch& branch : plan.branches)
      if (attends_own_keys(branch))
        mark(branch, branch.table_index(h, in.heads()), in, &mask[h * pairs]);
  return {{heads, in.length(), in.keys()}, std::move(mask)};
}

}  // namespace vidattn
