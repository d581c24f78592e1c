#include "harness/distributed/parts/plan_parts.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "attention/backward/kept.h"
#include "metrics/ranks/restricted.h"

namespace vidattn {
namespace {

// ---- heads

/// Which of `count` tables, or maps, each of the heads uses, without repeating one that all share.
std::vector<size_t> tables_of(size_t count, Share heads, int64_t all_heads) {
  const auto index = [&](int64_t head) {
    return static_cast<size_t>(head) * count / static_cast<size_t>(all_heads);
  };
  if (index(heads.begin) == index(heads.end - 1)) return {index(heads.begin)};
  const auto group = all_heads / static_cast<int64_t>(count);
  const int64_t step = heads.begin % group == 0 && heads.end % group == 0 ? group : 1;
  std::vector<size_t> used;
  for (int64_t head = heads.begin; head < heads.end; head += step) used.push_back(index(head));
  return used;
}

template <class T>
std::vector<T> chosen(const std::vector<T>& from, const std::vector<size_t>& which) {
  std::vector<T> to;
  for (const size_t i : which) to.push_back(from[i]);
  return to;
}

/// Columns [begin, end) of heads with `width` values each, of rows with `all` heads.
std::vector<float> columns(const std::vector<float>& of, Share heads, int64_t all, int64_t width) {
  std::vector<float> part;
  const int64_t rows = static_cast<int64_t>(of.size()) / (all * width);
  for (int64_t row = 0; row < rows; ++row) {
    const auto at = of.begin() + (row * all + heads.begin) * width;
    part.insert(part.end(), at, at + heads.size() * width);
  }
  return part;
}

/// Heads of pooling maps: a backward pass reads them.
PoolingMaps heads_of_maps(const PoolingMaps& maps, Share heads, int64_t all) {
  if (!maps) return maps;
  return std::make_shared<const std::vector<PoolingMap>>(
      chosen(*maps, tables_of(maps->size(), heads, all)));
}

struct HeadShare {
  Share heads, kv;
  int64_t all, all_kv;
};

void keep_heads(Branch& branch, const HeadShare& share) {
  const auto [heads, kv, all, all_kv] = share;
  Operands& made = branch.prepared;
  const int64_t k_heads = made.k ? made.k->heads() : all_kv;
  const Share own{heads.begin * k_heads / all, heads.end * k_heads / all};
  made = {heads_of_tensor(made.q, heads),
          heads_of_tensor(made.k, own),
          heads_of_tensor(made.v, own),
          heads_of_maps(made.q_from, heads, all),
          heads_of_maps(made.k_from, own, k_heads),
          heads_of_maps(made.v_from, own, k_heads)};
  branch.value_slope = heads_of_tensor(branch.value_slope, own);
  branch.slope_from = heads_of_maps(branch.slope_from, kv, all_kv);
  const std::vector<size_t> tables = tables_of(branch.tables.size(), heads, all);
  if (!branch.output_map.empty()) branch.output_map = chosen(branch.output_map, tables);
  branch.tables = chosen(branch.tables, tables);
  if (!branch.scored.empty())
    branch.scored = {branch.scored.begin() + heads.begin, branch.scored.begin() + heads.end};
}

void keep_heads_of_weights(Branch& branch, const HeadShare& share, int64_t tokens) {
  if (branch.token_weight && static_cast<int64_t>(branch.token_weight->size()) != tokens)
    branch.token_weight =
        make_list(columns(branch.token_weight->host(), share.heads, share.all, 1));
  if (!branch.channel_weight) return;
  const auto& gate = branch.channel_weight->as<float>("channel weight");
  const int64_t width = static_cast<int64_t>(gate.size()) / (tokens * share.all);
  branch.channel_weight = std::make_shared<const Array>(
      Array{{tokens, share.heads.size(), width}, columns(gate, share.heads, share.all, width)});
}

// ---- rows

constexpr Share kAllRows{0, std::numeric_limits<int32_t>::max()};

std::shared_ptr<const Tensor> rows_of(const Tensor& of, const std::vector<int32_t>& rows) {
  auto part = std::make_shared<Tensor>(std::ssize(rows), of.heads(), of.dim(), of.dtype());
  const int64_t bytes = of.heads() * of.dim() * size_of(of.dtype());
  for (size_t i = 0; i < rows.size(); ++i)
    std::copy_n(of.data<char>() + rows[i] * bytes, bytes, part->data<char>() + i * bytes);
  return part;
}

std::vector<int32_t> rows_of(Share tokens) {
  std::vector<int32_t> rows(tokens.size());
  std::iota(rows.begin(), rows.end(), static_cast<int32_t>(tokens.begin));
  return rows;
}

std::shared_ptr<const Tensor> rows_of(const std::shared_ptr<const Tensor>& of, Share tokens) {
  return of ? rows_of(*of, rows_of(tokens)) : of;
}

/// The rows of pooling maps: their tokens stay those of the whole call.
PoolingMaps rows_of(const PoolingMaps& maps, const std::vector<int32_t>& rows) {
  if (!maps) return maps;
  std::vector<PoolingMap> parts;
  for (const PoolingMap& map : *maps) {
    std::vector<int32_t> tokens;
    std::vector<float> weights;
    PoolingMap& part = parts.emplace_back();
    part.start = {0};
    for (const int32_t row : rows) {
      for (int32_t i = map.start[row]; i < map.start[row + 1]; ++i) {
        tokens.push_back((*map.tokens)[i]);
        if (map.weight) weights.push_back((*map.weight)[i]);
      }
      part.start.push_back(static_cast<int32_t>(tokens.size()));
    }
    part.tokens = make_list(std::move(tokens));
    if (map.weight) part.weight = make_list(std::move(weights));
  }
  return std::make_shared<const std::vector<PoolingMap>>(std::move(parts));
}

std::vector<float> rows_of(const std::vector<float>& of, Share tokens, int64_t all) {
  const int64_t width = static_cast<int64_t>(of.size()) / all;
  return {of.begin() + tokens.begin * width, of.begin() + tokens.end * width};
}

void keep_tokens_of_weights(Branch& branch, Share tokens, int64_t all) {
  if (branch.token_weight)
    branch.token_weight = make_list(rows_of(branch.token_weight->host(), tokens, all));
  if (!branch.channel_weight) return;
  Array gate = *branch.channel_weight;
  gate.values = rows_of(gate.as<float>("channel weight"), tokens, all);
  gate.shape[0] = tokens.size();
  branch.channel_weight = std::make_shared<const Array>(std::move(gate));
}

/// Query rows that the tokens take, of all tables.
std::vector<int32_t> taken_rows(const Branch& branch, Share tokens) {
  std::vector<int32_t> rows;
  for (const auto& map : branch.output_map)
    rows.insert(rows.end(), map.begin() + tokens.begin, map.begin() + tokens.end);
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  if (!rows.empty() && rows[0] < 0) rows.erase(rows.begin());
  return rows;
}

/// Maps of rows that are the call's own.
PoolingMaps of_own_rows(const std::vector<int32_t>& rows) {
  PoolingMap map{make_list(rows), rows_of(Share{0, std::ssize(rows) + 1}), nullptr};
  return std::make_shared<const std::vector<PoolingMap>>(std::vector{std::move(map)});
}

/// Tokens take results of rows that may be anywhere: these rows become prepared queries.
void keep_mapped_queries(Branch& branch, Share tokens, const Inputs& in) {
  const Tensor& q = branch.operands(in).q;
  const std::vector<int32_t> rows = taken_rows(branch, tokens);
  std::vector<int32_t> place(q.length(), -1);
  for (size_t i = 0; i < rows.size(); ++i) place[rows[i]] = static_cast<int32_t>(i);
  branch.prepared.q_from =
      branch.prepared.q ? rows_of(branch.prepared.q_from, rows) : of_own_rows(rows);
  branch.prepared.q = rows_of(q, rows);
  for (HeadTable& table : branch.tables)
    table = restricted(table, RowsInOrder(table.query_order, place),
                       RowsInOrder(table.key_order, kAllRows));
  for (auto& map : branch.output_map) {
    std::vector<int32_t> part(map.begin() + tokens.begin, map.begin() + tokens.end);
    for (int32_t& row : part) row = row < 0 ? -1 : place[row];
    map = std::move(part);
  }
}

}  // namespace

std::shared_ptr<const Tensor> heads_of_tensor(const std::shared_ptr<const Tensor>& of,
                                              Share heads) {
  if (!of || heads.size() == of->heads()) return of;
  auto part = std::make_shared<Tensor>(of->length(), heads.size(), of->dim(), of->dtype());
  const int64_t bytes = size_of(of->dtype()), row = heads.size() * of->dim() * bytes;
  for (int64_t token = 0; token < of->length(); ++token)
    std::copy_n(of->data<char>() + of->offset(token, heads.begin) * bytes, row,
                part->data<char>() + part->offset(token, 0) * bytes);
  return part;
}

Plan heads_of(const Plan& plan, Share heads, const CallShape& shape) {
  const auto kv = [&](int64_t head) { return head * shape.kv_heads / shape.heads; };
  const HeadShare share{heads, {kv(heads.begin), kv(heads.end)}, shape.heads, shape.kv_heads};
  Plan part{.branches = plan.branches, .linear = plan.linear};
  part.constant = heads_of_tensor(plan.constant, heads);
  part.constant_of_call = plan.constant_of_call;
  for (Branch& branch : part.branches) {
    keep_heads(branch, share);
    keep_heads_of_weights(branch, share, shape.length);
  }
  for (LinearTerm& term : part.linear) {
    term.q = heads_of_tensor(term.q, share.heads);
    term.k = heads_of_tensor(term.k, share.kv);
  }
  return part;
}

Plan queries_of(const Plan& plan, Share tokens, const Inputs& in) {
  Plan part{.branches = plan.branches, .linear = plan.linear};
  part.constant = rows_of(plan.constant, tokens);
  part.constant_of_call = plan.constant_of_call;
  for (Branch& branch : part.branches) {
    keep_tokens_of_weights(branch, tokens, in.length());
    branch.scored.clear();
    if (!branch.output_map.empty()) {
      keep_mapped_queries(branch, tokens, in);
      continue;
    }
    for (HeadTable& table : branch.tables) table = restricted(table, tokens, kAllRows);
    branch.prepared.q = rows_of(branch.prepared.q, tokens);
    branch.prepared.q_from = rows_of(branch.prepared.q_from, rows_of(tokens));
  }
  for (LinearTerm& term : part.linear) term.q = rows_of(term.q, tokens);
  return part;
}

Plan keys_of(const Plan& plan, Share keys, int64_t all_keys, bool with_prepared) {
  Plan part;
  for (const Branch& whole : plan.branches) {
    Branch branch = without_weights(whole);
    branch.joined = false;
    if (branch.prepared.k && !with_prepared)
      for (HeadTable& table : branch.tables) table = {table.query_order, table.key_order, {}, {}};
    if (!branch.prepared.k) {
      for (HeadTable& table : branch.tables) table = restricted(table, kAllRows, keys);
      if (branch.key_bias)
        branch.key_bias = make_list(rows_of(branch.key_bias->host(), keys, all_keys));
    }
    part.branches.push_back(std::move(branch));
  }
  return part;
}

}  // namespace vidattn
