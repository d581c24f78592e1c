#include "attention/reference.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/parallel.h"

namespace vidattn {
namespace {

struct Place {
  int32_t segment, position;
};

/// Where each query row stands in a table: places[first[row] .. first[row+1]).
struct RowIndex {
  std::vector<int64_t> first;
  std::vector<Place> places;

  RowIndex(const HeadTable& table, int64_t rows) : first(rows + 1) {
    const auto each = [&](auto&& visit) {
      for (size_t s = 0; s < table.segments.size(); ++s)
        for (int32_t p = table.segments[s].query_begin; p < table.segments[s].query_end; ++p)
          visit(table.query_row(p), Place{static_cast<int32_t>(s), p});
    };
    each([&](int64_t row, Place) { ++first[row + 1]; });
    std::partial_sum(first.begin(), first.end(), first.begin());
    places.resize(first.back());
    std::vector<int64_t> next(first.begin(), first.end() - 1);
    each([&](int64_t row, Place place) { places[next[row]++] = place; });
  }
};

int64_t result_row(const Branch& branch, size_t table, int64_t token) {
  return branch.output_map.empty() ? token : branch.output_map[table][token];
}

void append_keys(const HeadTable& table, Place place, std::vector<int64_t>& keys) {
  const Segment& segment = table.segments[place.segment];
  for (int32_t r = segment.range_begin; r < segment.range_end; ++r)
    for (int64_t n = table.ranges[r].first(place.position);
         n < table.ranges[r].last(place.position); ++n)
      keys.push_back(table.key_row(n));
}

struct Row {
  double lse = -INFINITY, mass = 0;
};

/// Softmax attention of one query over the listed keys; adds weight * result to `o`.
Row attend_row(const Tensor& q, int64_t query, const Tensor& k, const Tensor& v, double scale,
               int64_t head, int64_t kv_head, const std::vector<int64_t>& keys,
               const std::vector<double>& weight, double* o) {
  Row row;
  if (keys.empty()) return row;
  const int64_t dim = q.dim();
  std::vector<float> query_row(dim), key_row(dim), value_row(v.dim());
  q.read_row(query, head, query_row.data());
  std::vector<double> score(keys.size());
  double highest = -INFINITY;
  for (size_t j = 0; j < keys.size(); ++j) {
    k.read_row(keys[j], kv_head, key_row.data());
    double dot = 0;
    for (int64_t c = 0; c < dim; ++c) dot += double{query_row[c]} * double{key_row[c]};
    score[j] = dot * scale;
    highest = std::max(highest, score[j]);
  }
  double sum = 0;
  for (double s : score) sum += std::exp(s - highest);
  row.lse = highest + std::log(sum);
  for (size_t j = 0; j < keys.size(); ++j) {
    const double p = std::exp(score[j] - row.lse);
    row.mass += p;
    v.read_row(keys[j], kv_head, value_row.data());
    for (int64_t c = 0; c < v.dim(); ++c) o[c] += weight[c] * p * double{value_row[c]};
  }
  return row;
}

/// Branch, token and channel weight of one token's head.
std::vector<double> output_weight(const Branch& branch, const Inputs& in, int64_t token,
                                  int64_t head) {
  const int64_t dim = in.value_dim();
  std::vector<double> weight(dim, branch.weight_of(token, head, in.length(), in.heads()));
  if (!branch.channel_weight) return weight;
  const auto& gate = branch.channel_weight->as<float>("channel weight");
  for (int64_t c = 0; c < dim; ++c) weight[c] *= gate[(token * in.heads() + head) * dim + c];
  return weight;
}

void add_branch(const Branch& branch, const Inputs& in, const std::vector<int64_t>& tokens,
                std::vector<double>& o, std::vector<double>& lse, std::vector<double>& mass) {
  const Attended operands = branch.operands(in);
  const Tensor &q = operands.q, &k = operands.k, &v = operands.v;
  const int64_t heads = in.heads();
  std::vector<RowIndex> index;
  for (const HeadTable& table : branch.tables) index.emplace_back(table, q.length());
  const auto count = static_cast<int64_t>(tokens.size());
  const auto attend_token = [&](int64_t i) {
    for (int64_t h = 0; h < heads; ++h) {
      const size_t t = branch.table_index(h, heads);
      const int64_t row = result_row(branch, t, tokens[i]);
      std::vector<int64_t> keys;
      if (row >= 0)
        for (int64_t p = index[t].first[row]; p < index[t].first[row + 1]; ++p)
          append_keys(branch.tables[t], index[t].places[p], keys);
      const int64_t kv_head = h / (heads / k.heads());
      const Row result =
          attend_row(q, row, k, v, in.softmax_scale(), h, kv_head, keys,
                     output_weight(branch, in, tokens[i], h), &o[(i * heads + h) * in.value_dim()]);
      lse[i * heads + h] = result.lse;
      mass[i * heads + h] = result.mass;
    }
  };
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
  for (int64_t i = 0; i < count; ++i) errors.catching([&] { attend_token(i); });
  errors.rethrow();
}

class ReferenceDevice : public Device {
 public:
  std::string name() const override { return "reference"; }
  std::string title() const override {
    return "float64, plain loops: the oracle that every other device is checked against";
  }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    shape_output(plan, in, out);
    const ReferenceRows rows = reference_rows(plan, in, {});
    const int64_t dim = in.value_dim();
    std::vector<float> values(dim);
    for (int64_t i = 0; i < in.length(); ++i)
      for (int64_t h = 0; h < in.heads(); ++h) {
        const double* o = &rows.o[(i * in.heads() + h) * dim];
        std::copy(o, o + dim, values.begin());
        out.o.write_row(i, h, values.data());
      }
    for (size_t b = 0; b < rows.lse.size(); ++b)
      std::copy(rows.lse[b].begin(), rows.lse[b].end(), out.lse[b].begin());
  }
};

const RegisterDevice<ReferenceDevice> registered;

}  // namespace

ReferenceRows reference_rows(const Plan& plan, const Inputs& in,
                             const std::vector<int64_t>& tokens) {
  std::vector<int64_t> all(tokens.empty() ? in.length() : 0);
  std::iota(all.begin(), all.end(), 0);
  const auto& chosen = tokens.empty() ? all : tokens;
  const int64_t rows = static_cast<int64_t>(chosen.size()) * in.heads(), dim = in.value_dim();
  ReferenceRows result;
  result.o.resize(rows * dim);
  for (const Branch& branch : plan.branches) {
    result.lse.emplace_back(rows);
    result.mass.emplace_back(rows);
    add_branch(branch, in, chosen, result.o, result.lse.back(), result.mass.back());
  }
  if (plan.constant)
    for (size_t i = 0; i < chosen.size(); ++i)
      for (int64_t h = 0; h < in.heads(); ++h)
        for (int64_t c = 0; c < dim; ++c)
          result.o[(i * in.heads() + h) * dim + c] += plan.constant->at(chosen[i], h, c);
  return result;
}

std::vector<int64_t> visible_keys(const Branch& branch, const Inputs& in, int64_t token,
                                  int64_t head) {
  const size_t t = branch.table_index(head, in.heads());
  const HeadTable& table = branch.tables[t];
  const int64_t row = result_row(branch, t, token);
  std::vector<int64_t> keys;
  for (size_t s = 0; s < table.segments.size(); ++s)
    for (int32_t p = table.segments[s].query_begin; p < table.segments[s].query_end; ++p)
      if (table.query_row(p) == row) append_keys(table, {static_cast<int32_t>(s), p}, keys);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace vidattn
