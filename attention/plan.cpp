#include "attention/plan.h"

#include <algorithm>
#include <numbers>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

#include "attention/error.h"
#include "attention/inputs.h"

namespace vidattn {
namespace {

int64_t banded_pairs(const Segment& segment, const KeyRange& range) {
  int64_t pairs = 0;
  for (int64_t p = segment.query_begin; p < segment.query_end; ++p)
    pairs += std::max<int64_t>(0, range.last(p) - range.first(p));
  return pairs;
}

void require(bool condition, const std::string& branch, const char* what) {
  if (!condition) throw std::logic_error("plan branch " + branch + ": " + what);
}

void check_order(const Order& order, int64_t rows, const std::string& branch) {
  if (!order) return;
  for (int32_t row : *order) require(row >= 0 && row < rows, branch, "an order leaves the tensor");
}

/// Key positions [begin, end) that some query sees; with bands, of those relative to the query.
struct Extent {
  int64_t begin, end;
  int64_t low = KeyRange::kNoLow, high = KeyRange::kNoHigh;

  /// Whether one query can see a key in both.
  bool meets(const Extent& other) const {
    return begin < other.end && other.begin < end && low <= other.high && other.low <= high;
  }
};

/// Sorted, the extents are swept with those that are still open: one, but for bands.
bool any_meet(std::vector<Extent>& extents) {
  const auto earlier = [](const Extent& a, const Extent& b) { return a.begin < b.begin; };
  if (!std::is_sorted(extents.begin(), extents.end(), earlier))
    std::sort(extents.begin(), extents.end(), earlier);
  std::vector<Extent> open;
  for (const Extent& e : extents) {
    std::erase_if(open, [&](const Extent& o) { return o.end <= e.begin; });
    if (std::any_of(open.begin(), open.end(), [&](const Extent& o) { return o.meets(e); }))
      return true;
    open.push_back(e);
  }
  return false;
}

void check_ranges_of_segments(const HeadTable& table, const std::string& branch) {
  std::vector<Extent> extents;
  for (const Segment& s : table.segments) {
    extents.clear();
    for (int32_t r = s.range_begin; r < s.range_end && s.query_begin < s.query_end; ++r) {
      const KeyRange& range = table.ranges[r];
      const Extent e{range.first(s.query_begin), range.last(s.query_end - 1), range.band_low,
                     range.band_high};
      if (e.begin < e.end) extents.push_back(e);
    }
    require(!any_meet(extents), branch, "the key ranges of a segment overlap");
  }
}

/// Where a key row stands several times in the order, ranges that do not overlap may still share
/// it.
void check_rows_of_segments(const HeadTable& table, int64_t key_rows, const std::string& branch) {
  if (!table.key_order) return;
  std::vector<int64_t> last(key_rows, -1);
  bool repeated = false;
  for (int32_t row : *table.key_order) repeated |= std::exchange(last[row], 0) == 0;
  if (!repeated) return;
  std::fill(last.begin(), last.end(), -1);
  const auto count = static_cast<int64_t>(table.segments.size());
  for (int64_t s = 0; s < count; ++s)
    for (int32_t r = table.segments[s].range_begin; r < table.segments[s].range_end; ++r)
      for (int32_t n = table.ranges[r].begin; n < table.ranges[r].end; ++n)
        require(std::exchange(last[table.key_row(n)], s) != s, branch,
                "a segment sees a key row twice");
}

/// The keys of every query row, over all of its segments.
void check_repeated_queries(const HeadTable& table, int64_t query_rows, const std::string& branch) {
  std::vector<int64_t> begin(query_rows + 1);
  const auto each = [&](const auto& take) {
    for (const Segment& s : table.segments)
      for (int64_t p = s.query_begin; p < s.query_end; ++p)
        for (int32_t r = s.range_begin; r < s.range_end; ++r) take(p, table.ranges[r]);
  };
  each([&](int64_t p, const KeyRange&) { ++begin[table.query_row(p) + 1]; });
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<std::pair<int64_t, int64_t>> seen(begin.back());
  std::vector<int64_t> at(begin.begin(), begin.end() - 1);
  each([&](int64_t p, const KeyRange& range) {
    seen[at[table.query_row(p)]++] = {range.first(p), range.last(p)};
  });
  for (int64_t row = 0; row < query_rows; ++row) {
    const auto first = seen.begin() + begin[row];
    const auto last = std::remove_if(first, seen.begin() + begin[row + 1],
                                     [](const auto& keys) { return keys.first >= keys.second; });
    if (!std::is_sorted(first, last)) std::sort(first, last);
    const auto overlap = [](const auto& a, const auto& b) { return a.second > b.first; };
    require(std::adjacent_find(first, last, overlap) == last, branch,
            "two segments of a query share keys");
  }
}

void check_table(const HeadTable& table, int64_t query_rows, int64_t key_rows,
                 const Branch& branch) {
  check_order(table.query_order, query_rows, branch.name);
  check_order(table.key_order, key_rows, branch.name);
  const int64_t queries = table.query_order ? table.query_order->size() : query_rows;
  const int64_t keys = table.key_order ? table.key_order->size() : key_rows;
  std::vector<bool> seen(branch.repeats_queries ? 0 : query_rows);
  for (const Segment& s : table.segments) {
    require(s.query_begin >= 0 && s.query_begin <= s.query_end && s.query_end <= queries,
            branch.name, "a segment leaves the query order");
    require(s.range_begin >= 0 && s.range_begin <= s.range_end &&
                s.range_end <= static_cast<int64_t>(table.ranges.size()),
            branch.name, "a segment leaves the ranges");
    for (int32_t p = s.query_begin; p < s.query_end && !branch.repeats_queries; ++p) {
      require(!seen[table.query_row(p)], branch.name, "a query row is repeated");
      seen[table.query_row(p)] = true;
    }
  }
  for (const KeyRange& r : table.ranges)
    require(r.begin >= 0 && r.begin <= r.end && r.end <= keys, branch.name,
            "a range leaves the key order");
  check_ranges_of_segments(table, branch.name);
  check_rows_of_segments(table, key_rows, branch.name);
  if (branch.repeats_queries) check_repeated_queries(table, query_rows, branch.name);
}

void check_operands(const Attended& a, const Inputs& in, const std::string& branch) {
  require(a.k.length() == a.v.length(), branch, "keys and values differ in length");
  require(a.q.heads() == in.heads(), branch, "prepared queries have other heads");
  require(a.k.heads() > 0 && in.heads() % a.k.heads() == 0 && a.k.heads() == a.v.heads(), branch,
          "key heads do not divide the query heads");
  require(a.q.dim() == in.dim() && a.k.dim() == in.dim() && a.v.dim() == in.value_dim(), branch,
          "prepared tensors have another head dimension");
}

void check_pooling(const Branch& branch, const Inputs& in) {
  const auto check = [&](const std::shared_ptr<const Tensor>& pooled, const PoolingMaps& maps,
                         const Tensor& own) {
    if (!maps) return;
    require(pooled != nullptr, branch.name, "a pooling map without a prepared tensor");
    const std::string fault = pooling_fault(*maps, *pooled, own);
    require(fault.empty(), branch.name, ("a pooling map " + fault).c_str());
  };
  check(branch.prepared.q, branch.prepared.q_from, *in.q);
  check(branch.prepared.k, branch.prepared.k_from, *in.k);
  check(branch.prepared.v, branch.prepared.v_from, *in.v);
}

void check_weights(const Branch& branch, const Inputs& in) {
  const int64_t rows = in.length();
  const auto weights =
      branch.token_weight ? static_cast<int64_t>(branch.token_weight->size()) : rows;
  require(weights == rows || weights == rows * in.heads(), branch.name, "token weights do not fit");
  if (!branch.channel_weight) return;
  require(branch.channel_weight->size() == rows * in.heads() * in.value_dim(), branch.name,
          "channel weights do not fit");
  require(std::holds_alternative<std::vector<float>>(branch.channel_weight->values), branch.name,
          "channel weights are not float32");
}

void check_joined(const Plan& plan, size_t b) {
  if (!plan.branches[b].joined) return;
  const std::string& name = plan.branches[b].name;
  require(b > 0 && !plan.constant, name, "it is joined to none, or beside a constant");
  for (size_t i = 0; i <= b; ++i) {
    const Branch& branch = plan.branches[i];
    require(i == 0 || branch.joined, name, "what it is joined to does not come first");
    require(branch.weight == 1 && !branch.token_weight && !branch.channel_weight, name,
            "joined branches have no weights");
  }
}

void check_terms(const Branch& branch, const Inputs& in, int64_t keys) {
  if (branch.key_bias)
    require(static_cast<int64_t>(branch.key_bias->size()) == keys, branch.name,
            "the key bias has no entry per key");
  require(branch.scored.empty() || std::ssize(branch.scored) == in.heads(), branch.name,
          "scored pairs are not one per head");
  for (int64_t h = 0; h < std::ssize(branch.scored); ++h)
    require(branch.scored[h] >= branch.pairs(h, in.heads()), branch.name,
            "it attends to more pairs than it scores");
  if (!branch.value_slope) return;
  const Tensor& slope = *branch.value_slope;
  require(slope.dtype() == DType::f32 && slope.length() == in.dim() &&
              slope.dim() == in.value_dim() && slope.heads() == branch.operands(in).k.heads(),
          branch.name, "the slope of its values has another shape or type");
  require(!branch.prepared.q && branch.output_map.empty(), branch.name,
          "values with a slope need the call's own queries");
}

void check_linear(const LinearTerm& term, const Inputs& in) {
  const auto fits = [&](const Tensor& t, int64_t length, int64_t heads) {
    return t.dtype() == DType::f32 && t.length() == length && t.heads() == heads;
  };
  require(term.q && term.k && fits(*term.q, in.length(), in.heads()) &&
              fits(*term.k, in.keys(), in.kv_heads()) && term.q->dim() == term.k->dim(),
          term.name, "its features have another shape or type");
  const auto dim = static_cast<size_t>(in.value_dim());
  require(term.projection.empty() || term.projection.size() == dim * dim, term.name,
          "its projection has another shape");
  require(term.bias.empty() || term.bias.size() == dim, term.name, "its bias has another shape");
}

void check_output_maps(const Branch& branch, int64_t tokens, int64_t queries) {
  const auto& maps = branch.output_map;
  require(maps.empty() || maps.size() == branch.tables.size(), branch.name,
          "one output map per table");
  require(!maps.empty() || queries == tokens, branch.name,
          "prepared queries of another length need an output map");
  for (const auto& map : maps) {
    require(static_cast<int64_t>(map.size()) == tokens, branch.name,
            "an output map has no entry per token");
    for (int32_t row : map)
      require(row >= -1 && row < queries, branch.name, "an output map leaves the queries");
  }
}

}  // namespace

Order make_order(std::vector<int32_t> tokens) { return make_list(std::move(tokens)); }

int32_t position_after(uint64_t entries) {
  if (!std::in_range<int32_t>(entries))
    throw InputError("a plan of " + std::to_string(entries) +
                     " entries for one head is too large: at most 2^31-1");
  return static_cast<int32_t>(entries);
}

void HeadTable::add(int32_t query_begin, int32_t query_end,
                    const std::vector<KeyRange>& key_ranges) {
  const int32_t range_begin = position_after(ranges.size());
  const int32_t range_end = position_after(ranges.size() + key_ranges.size());
  ranges.insert(ranges.end(), key_ranges.begin(), key_ranges.end());
  segments.push_back({query_begin, query_end, range_begin, range_end});
}

int64_t HeadTable::pairs() const {
  int64_t total = 0;
  for (const Segment& s : segments)
    for (int32_t r = s.range_begin; r < s.range_end; ++r)
      total += ranges[r].banded()
                   ? banded_pairs(s, ranges[r])
                   : int64_t{s.query_end - s.query_begin} * (ranges[r].end - ranges[r].begin);
  return total;
}

float Branch::weight_of(int64_t token, int64_t head, int64_t length, int64_t heads) const {
  if (!token_weight) return weight;
  const bool per_head = static_cast<int64_t>(token_weight->size()) != length;
  return weight * (*token_weight)[per_head ? token * heads + head : token];
}

std::vector<float> Branch::key_bias_in_log2() const {
  if (!key_bias) return {};
  std::vector<float> bias = key_bias->host();
  for (float& b : bias) b *= std::numbers::log2e_v<float>;
  return bias;
}

Attended Branch::operands(const Inputs& in) const {
  return {prepared.q ? *prepared.q : *in.q, prepared.k ? *prepared.k : *in.k,
          prepared.v ? *prepared.v : *in.v};
}

int64_t Plan::index_bytes() const {
  int64_t bytes = 0;
  std::set<const void*> counted;
  const auto count = [&](const auto& shared) {  // of 4-byte values
    if (shared && counted.insert(shared.get()).second) bytes += shared->size() * 4;
  };
  for (const Branch& branch : branches) {
    for (const HeadTable& table : branch.tables) {
      count(table.query_order);
      count(table.key_order);
      bytes += table.segments.size() * sizeof(Segment) + table.ranges.size() * sizeof(KeyRange);
    }
    count(branch.token_weight);
    count(branch.key_bias);
    count(branch.channel_weight);
    for (const auto& map : branch.output_map) bytes += map.size() * sizeof(int32_t);
  }
  return bytes;
}

int64_t Plan::prepared_bytes() const {
  int64_t bytes = constant ? constant->bytes() : 0;
  for (const Branch& branch : branches)
    for (const auto& tensor :
         {branch.prepared.q, branch.prepared.k, branch.prepared.v, branch.value_slope})
      if (tensor) bytes += tensor->bytes();
  for (const LinearTerm& term : linear)
    bytes += term.q->bytes() + term.k->bytes() +
             static_cast<int64_t>(4 * (term.projection.size() + term.bias.size()));
  return bytes;
}

void Plan::validate(const Inputs& in) const {
  for (size_t b = 0; b < branches.size(); ++b) {
    const Branch& branch = branches[b];
    const Attended attended = branch.operands(in);
    check_joined(*this, b);
    check_operands(attended, in, branch.name);
    check_pooling(branch, in);
    require(!branch.tables.empty() && in.heads() % branch.tables.size() == 0, branch.name,
            "the number of tables does not divide the heads");
    for (const HeadTable& table : branch.tables)
      check_table(table, attended.q.length(), attended.k.length(), branch);
    check_weights(branch, in);
    check_terms(branch, in, attended.k.length());
    check_output_maps(branch, in.length(), attended.q.length());
  }
  for (const LinearTerm& term : linear) check_linear(term, in);
  require(!constant || constant->size() == in.length() * in.heads() * in.value_dim(), "constant",
          "it has another shape");
}

}  // namespace vidattn
