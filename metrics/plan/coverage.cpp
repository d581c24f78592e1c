#include "metrics/plan/coverage.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "attention/methods/cross.h"

namespace vidattn {
namespace {

enum Seen : uint8_t { kNoSegment, kNoKeys, kKeys };

/// What became of every token of a head.
struct HeadCoverage {
  std::vector<uint8_t> query;  ///< Seen
  std::vector<bool> key;       ///< whether it is in a range of keys
};

bool sees_keys(const HeadTable& table, const Segment& s, int64_t p) {
  for (int32_t r = s.range_begin; r < s.range_end; ++r)
    if (table.ranges[r].first(p) < table.ranges[r].last(p)) return true;
  return false;
}

std::vector<uint8_t> seen_rows(const HeadTable& table, int64_t rows) {
  std::vector<uint8_t> seen(rows, kNoSegment);
  for (const Segment& s : table.segments)
    for (int64_t p = s.query_begin; p < s.query_end; ++p) {
      uint8_t& row = seen[table.query_row(p)];
      row = std::max<uint8_t>(row, sees_keys(table, s, p) ? kKeys : kNoKeys);
    }
  return seen;
}

void add_queries(const Branch& branch, size_t t, const Inputs& in, HeadCoverage& head) {
  const std::vector<uint8_t> rows = seen_rows(branch.tables[t], branch.operands(in).q.length());
  for (int64_t i = 0; i < in.length(); ++i) {
    const int64_t row = branch.output_map.empty() ? i : branch.output_map[t][i];
    if (row >= 0) head.query[i] = std::max(head.query[i], rows[row]);
  }
}

/// Ranges open and close at positions of the key order, so that one walk over it finds what is in
/// any of them.
void add_keys(const Branch& branch, size_t t, const Inputs& in, HeadCoverage& head) {
  if (branch.prepared.k) {
    std::fill(head.key.begin(), head.key.end(), true);
    return;
  }
  const HeadTable& table = branch.tables[t];
  const int64_t keys = table.key_order ? table.key_order->size() : in.keys();
  std::vector<int64_t> opened(keys + 1);
  for (const Segment& s : table.segments)
    for (int32_t r = s.range_begin; r < s.range_end && s.query_begin < s.query_end; ++r) {
      ++opened[table.ranges[r].begin];
      --opened[table.ranges[r].end];
    }
  int64_t open = 0;
  for (int64_t n = 0; n < keys; ++n) {
    open += opened[n];
    if (open > 0) head.key[table.key_row(n)] = true;
  }
}

/// The heads by the tables that they use in all branches.
std::map<std::vector<size_t>, std::vector<int64_t>> heads_by_tables(const Plan& plan,
                                                                    int64_t heads) {
  std::map<std::vector<size_t>, std::vector<int64_t>> found;
  for (int64_t h = 0; h < heads; ++h) {
    std::vector<size_t> tables;
    for (const Branch& branch : plan.branches) tables.push_back(branch.table_index(h, heads));
    found[std::move(tables)].push_back(h);
  }
  return found;
}

}  // namespace

std::string Coverage::text() const {
  std::string line;
  const auto add = [&](int64_t count, const char* what) {
    if (count > 0) line += (line.empty() ? "" : ", ") + std::to_string(count) + what;
  };
  add(uncovered, " tokens are in no query segment");
  add(keyless, " tokens see no keys");
  add(unmentioned_text, " text tokens are neither queries nor keys");
  return line;
}

Coverage plan_coverage(const Plan& plan, const Inputs& in) {
  const int64_t length = in.length(), text = in.grid.known() ? in.grid.video_tokens() : length;
  const bool self = !is_cross(in);
  std::vector<bool> uncovered(length), keyless(length), unmentioned(length);
  std::vector<int64_t> keyless_per_head(in.heads());
  for (const auto& [tables, heads] : heads_by_tables(plan, in.heads())) {
    HeadCoverage head{std::vector<uint8_t>(length, plan.constant ? kKeys : kNoSegment),
                      std::vector<bool>(in.keys())};
    for (size_t b = 0; b < tables.size(); ++b) {
      add_queries(plan.branches[b], tables[b], in, head);
      add_keys(plan.branches[b], tables[b], in, head);
    }
    for (const int64_t h : heads)
      keyless_per_head[h] = std::count(head.query.begin(), head.query.end(), kNoKeys);
    for (int64_t i = 0; i < length; ++i) {
      uncovered[i] = uncovered[i] || head.query[i] == kNoSegment;
      keyless[i] = keyless[i] || head.query[i] == kNoKeys;
      unmentioned[i] =
          unmentioned[i] || (i >= text && head.query[i] == kNoSegment && !(self && head.key[i]));
    }
  }
  const auto count = [](const std::vector<bool>& tokens) {
    return std::count(tokens.begin(), tokens.end(), true);
  };
  return {count(uncovered), count(keyless), count(unmentioned), std::move(keyless_per_head)};
}

}  // namespace vidattn
