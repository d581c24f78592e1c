#include "metrics/plan/kernel/traffic.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace vidattn {
namespace {

int64_t channels_bytes(int64_t q, int64_t k, int64_t o, const Inputs& in, int64_t size) {
  return size * ((q + k) * in.dim() + (k + o) * in.value_dim());
}

bool sees_keys(const Segment& s) {
  return s.query_begin < s.query_end && s.range_begin < s.range_end;
}

/// Distinct query rows: an order or several segments may repeat one.
int64_t query_rows(const HeadTable& table, int64_t rows) {
  std::vector<bool> seen(rows);
  int64_t count = 0;
  for (const Segment& s : table.segments)
    for (int64_t p = s.query_begin; sees_keys(s) && p < s.query_end; ++p) {
      const int64_t row = table.query_row(p);
      count += !seen[row];
      seen[row] = true;
    }
  return count;
}

/// Marks the key rows in ranges of segments: their ends are summed up, so that ranges that many
/// segments share cost nothing twice. A band only cuts off keys at a range's ends, and its whole
/// range counts.
void mark_keys(const HeadTable& table, int64_t rows, std::vector<bool>& seen) {
  const int64_t positions = table.key_order ? static_cast<int64_t>(table.key_order->size()) : rows;
  std::vector<int32_t> open(positions + 1);
  for (const Segment& s : table.segments)
    for (int32_t r = s.range_begin; sees_keys(s) && r < s.range_end; ++r) {
      const KeyRange& range = table.ranges[r];
      if (range.begin >= range.end) continue;
      ++open[range.begin];
      --open[range.end];
    }
  int32_t covering = 0;
  for (int64_t n = 0; n < positions; ++n)
    if ((covering += open[n]) > 0) seen[table.key_row(n)] = true;
}

/// The tables of the query heads that share one head of keys.
std::set<size_t> tables_of(const Branch& branch, int64_t kv_head, const Inputs& in) {
  const int64_t group = in.heads() / in.kv_heads();
  std::set<size_t> tables;
  for (int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h)
    tables.insert(branch.table_index(h, in.heads()));
  return tables;
}

void add_keys(const Branch& branch, const Inputs& in, PlanTraffic& traffic) {
  const int64_t rows = branch.operands(in).k.length();
  std::map<std::set<size_t>, int64_t> counted;
  for (int64_t g = 0; g < in.kv_heads(); ++g) {
    const std::set<size_t> tables = tables_of(branch, g, in);
    const auto [entry, fresh] = counted.try_emplace(tables, 0);
    if (fresh) {
      std::vector<bool> seen(rows);
      for (const size_t t : tables) mark_keys(branch.tables[t], rows, seen);
      entry->second = std::count(seen.begin(), seen.end(), true);
    }
    traffic.key_rows += entry->second;
    if (std::any_of(tables.begin(), tables.end(),
                    [&](size_t t) { return branch.tables[t].key_order != nullptr; }))
      traffic.gathered_key_rows += entry->second;
  }
}

bool has_lists(const HeadTable& table) {
  return table.query_order || table.key_order || table.segments.size() > 1 ||
         table.ranges.size() > 1;
}

/// Tokens that take some row's result.
int64_t mapped_tokens(const std::vector<int32_t>& map) {
  return std::count_if(map.begin(), map.end(), [](int32_t row) { return row >= 0; });
}

void add_queries(const Branch& branch, const Inputs& in, PlanTraffic& traffic) {
  const auto heads = in.heads() / static_cast<int64_t>(branch.tables.size());
  for (size_t t = 0; t < branch.tables.size(); ++t) {
    const HeadTable& table = branch.tables[t];
    const int64_t rows = heads * query_rows(table, branch.operands(in).q.length());
    const bool mapped = !branch.output_map.empty();
    const int64_t written = mapped ? heads * mapped_tokens(branch.output_map[t]) : rows;
    traffic.query_rows += rows;
    traffic.output_rows += written;
    if (table.query_order) traffic.gathered_query_rows += rows;
    if (table.query_order || mapped) traffic.gathered_output_rows += written;
    if (has_lists(table) || mapped) traffic.listed_rows += rows;
  }
}

}  // namespace

int64_t PlanTraffic::bytes(const Inputs& in, int64_t size) const {
  return channels_bytes(query_rows, key_rows, output_rows, in, size);
}

int64_t PlanTraffic::gather_bytes(const Inputs& in, int64_t size) const {
  return channels_bytes(gathered_query_rows, gathered_key_rows, gathered_output_rows, in, size);
}

PlanTraffic plan_traffic(const Plan& plan, const Inputs& in) {
  PlanTraffic traffic;
  for (const Branch& branch : plan.branches) {
    add_queries(branch, in, traffic);
    add_keys(branch, in, traffic);
  }
  traffic.launches = std::ssize(plan.branches) + std::ssize(plan.linear);
  return traffic;
}

}  // namespace vidattn
