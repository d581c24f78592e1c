#include "metrics/plan/block_map.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr int64_t kMaxBytes = 1'000'000'000;

void require_sayable(bool condition, const std::string& what) {
  if (!condition) throw InputError("no block map can say this plan: " + what);
}

std::vector<int32_t> tokens_in(const Order& order, int64_t count) {
  if (order) return order->host();
  std::vector<int32_t> identity(count);
  std::iota(identity.begin(), identity.end(), 0);
  return identity;
}

void require_permutation(const Order& order, int64_t tokens) {
  if (!order) return;
  std::vector<int32_t> sorted = order->host();
  std::sort(sorted.begin(), sorted.end());
  require_sayable(sorted == tokens_in(nullptr, tokens), "an order lacks or repeats tokens");
}

const Branch& branch_of(const Plan& plan, const Inputs& in) {
  require_sayable(plan.branches.size() == 1 && plan.linear.empty() && !plan.constant,
                  "it has several branches or terms");
  const Branch& branch = plan.branches[0];
  require_sayable(!branch.prepared.q && !branch.prepared.k && !branch.prepared.v,
                  "it attends with prepared operands");
  require_sayable(!branch.repeats_queries, "a query stands in several segments");
  require_sayable(!branch.key_bias && !branch.value_slope && branch.weight == 1 &&
                      !branch.token_weight && !branch.channel_weight && branch.output_map.empty(),
                  "it changes scores, values or outputs");
  for (const HeadTable& table : branch.tables) {
    require_permutation(table.query_order, in.length());
    require_permutation(table.key_order, in.keys());
    require_sayable(std::none_of(table.ranges.begin(), table.ranges.end(),
                                 [](const KeyRange& r) { return r.banded(); }),
                    "it has bands");
  }
  return branch;
}

/// One table: where blocks begin, and which segment each query block is (null = none).
struct Cuts {
  std::vector<int32_t> queries{0}, keys;
  std::vector<const Segment*> rows;

  void add_queries(int32_t end, const Segment* row) {
    if (end <= queries.back()) return;
    queries.push_back(end);
    rows.push_back(row);
  }
};

Cuts cuts_of(const HeadTable& table, const Inputs& in) {
  std::vector<const Segment*> segments;
  for (const Segment& s : table.segments) segments.push_back(&s);
  std::sort(segments.begin(), segments.end(),
            [](const Segment* a, const Segment* b) { return a->query_begin < b->query_begin; });
  Cuts cuts;
  std::set<int32_t> keys{0, static_cast<int32_t>(in.keys())};
  for (const Segment* s : segments) {
    cuts.add_queries(s->query_begin, nullptr);
    cuts.add_queries(s->query_end, s);
    for (int32_t r = s->range_begin; r < s->range_end; ++r) {
      keys.insert(table.ranges[r].begin);
      keys.insert(table.ranges[r].end);
    }
  }
  cuts.add_queries(static_cast<int32_t>(in.length()), nullptr);
  cuts.keys.assign(keys.begin(), keys.end());
  return cuts;
}

size_t blocks_in(const std::vector<int32_t>& cuts) { return cuts.size() - 1; }

void mark_blocks(const HeadTable& table, const Cuts& cuts, size_t columns, uint8_t* map) {
  const auto block_at = [&](int32_t position) {
    return std::lower_bound(cuts.keys.begin(), cuts.keys.end(), position) - cuts.keys.begin();
  };
  for (size_t a = 0; a < cuts.rows.size(); ++a) {
    if (cuts.rows[a] == nullptr) continue;
    for (int32_t r = cuts.rows[a]->range_begin; r < cuts.rows[a]->range_end; ++r)
      std::fill(map + a * columns + block_at(table.ranges[r].begin),
                map + a * columns + block_at(table.ranges[r].end), uint8_t{1});
  }
}

/// Rows [T,N] of all tables, of which one alone stands for equal ones, repeated for the heads.
Array rows_of_heads(std::vector<std::vector<int32_t>> rows, int64_t heads) {
  if (std::equal(rows.begin() + 1, rows.end(), rows.begin())) rows.resize(1);
  if (rows.size() == 1) return {{static_cast<int64_t>(rows[0].size())}, rows[0]};
  std::vector<int32_t> all;
  for (int64_t h = 0; h < heads; ++h) {
    const auto& row = rows[static_cast<size_t>(h) * rows.size() / static_cast<size_t>(heads)];
    all.insert(all.end(), row.begin(), row.end());
  }
  return {{heads, static_cast<int64_t>(rows[0].size())}, std::move(all)};
}

/// Tables with fewer blocks than others get empty ones.
std::vector<int32_t> sizes_of(const std::vector<int32_t>& cuts, size_t count) {
  std::vector<int32_t> sizes(count);
  for (size_t b = 0; b < blocks_in(cuts); ++b) sizes[b] = cuts[b + 1] - cuts[b];
  return sizes;
}

void add_orders(const Branch& branch, const Inputs& in, std::map<std::string, Array>& arrays) {
  std::vector<std::vector<int32_t>> queries, keys;
  bool query_order = false, key_order = false;
  for (const HeadTable& table : branch.tables) {
    query_order |= table.query_order != nullptr;
    key_order |= table.key_order != nullptr;
    queries.push_back(tokens_in(table.query_order, in.length()));
    keys.push_back(tokens_in(table.key_order, in.keys()));
  }
  const bool same = queries == keys && query_order == key_order;
  if (query_order) arrays["token_order"] = rows_of_heads(std::move(queries), in.heads());
  if ((query_order || key_order) && !same)
    arrays["key_order"] = rows_of_heads(std::move(keys), in.heads());
}

}  // namespace

std::map<std::string, Array> block_map_of(const Plan& plan, const Inputs& in) {
  const Branch& branch = branch_of(plan, in);
  std::vector<Cuts> cuts;
  size_t rows = 0, columns = 0;
  for (const HeadTable& table : branch.tables) {
    cuts.push_back(cuts_of(table, in));
    rows = std::max(rows, cuts.back().rows.size());
    columns = std::max(columns, blocks_in(cuts.back().keys));
  }
  const int64_t heads = cuts.size() == 1 ? 1 : in.heads();
  const auto bytes =
      static_cast<double>(heads) * static_cast<double>(rows) * static_cast<double>(columns);
  require_sayable(bytes <= kMaxBytes, "its blocks would fill more than 1 GB");
  std::vector<uint8_t> map(static_cast<size_t>(bytes));
  for (int64_t h = 0; h < heads; ++h) {
    const size_t t = branch.table_index(h, heads);
    mark_blocks(branch.tables[t], cuts[t], columns, &map[h * rows * columns]);
  }
  std::vector<std::vector<int32_t>> queries, keys;
  for (const Cuts& c : cuts) {
    queries.push_back(sizes_of(c.queries, rows));
    keys.push_back(sizes_of(c.keys, columns));
  }
  std::map<std::string, Array> arrays;
  arrays["block_map"] = {{heads, static_cast<int64_t>(rows), static_cast<int64_t>(columns)},
                         std::move(map)};
  arrays["query_sizes"] = rows_of_heads(std::move(queries), in.heads());
  arrays["key_sizes"] = rows_of_heads(std::move(keys), in.heads());
  add_orders(branch, in, arrays);
  return arrays;
}

}  // namespace vidattn
