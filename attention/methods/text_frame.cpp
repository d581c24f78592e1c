#include "attention/methods/text_frame.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace vidattn {
namespace {

/// Tokens of the video, and of all.
struct Lengths {
  int32_t video, all;
};

std::shared_ptr<const Tensor> first_tokens(const std::shared_ptr<const Tensor>& of, int64_t count) {
  struct Kept {
    std::shared_ptr<const Tensor> whole;
    Tensor part;
  };
  auto kept = std::make_shared<Kept>(Kept{of, of->tokens(0, count)});
  return {kept, &kept->part};
}

std::shared_ptr<const Array> first_rows(const Array& of, int64_t count) {
  auto cut = std::make_shared<Array>();
  cut->shape = of.shape;
  cut->shape[0] = count;
  const int64_t size = of.shape[0] == 0 ? 0 : of.size() / of.shape[0] * count;
  std::visit(
      [&](const auto& values) {
        cut->values =
            std::decay_t<decltype(values)>(values.begin(), values.begin() + std::ptrdiff_t{size});
      },
      of.values);
  return cut;
}

std::vector<int32_t> entries(const Order& order, int32_t otherwise) {
  if (order) return order->host();
  std::vector<int32_t> identity(otherwise);
  std::iota(identity.begin(), identity.end(), 0);
  return identity;
}

bool holds_each_once(const std::vector<int32_t>& tokens, int32_t count) {
  std::vector<bool> seen(count);
  for (const int32_t token : tokens) {
    if (seen[token]) return false;
    seen[token] = true;
  }
  return tokens.size() == seen.size();
}

void append_run(std::vector<int32_t>& order, int32_t begin, int32_t end) {
  for (int32_t token = begin; token < end; ++token) order.push_back(token);
}

/// Where the other tokens' keys, and all keys once, stand in a key order; what branches share stays
/// shared.
struct Keys {
  Order order;
  KeyRange others, every;
};

class KeyOrders {
 public:
  explicit KeyOrders(Lengths lengths) : lengths_(lengths) {}

  const Keys& with_others(const Order& order) {
    const auto [found, fresh] = made_.try_emplace(order);
    if (fresh) found->second = make(order);
    return found->second;
  }

 private:
  Keys make(const Order& order) const {
    const auto [video, all] = lengths_;
    if (!order) return {nullptr, {video, all}, {0, all}};
    std::vector<int32_t> tokens = order->host();
    const auto size = static_cast<int32_t>(tokens.size());
    // A key order that repeats or lacks keys cannot be what sees every key once.
    const bool whole = holds_each_once(tokens, video);
    append_run(tokens, whole ? video : 0, all);
    const int32_t others = whole ? size : size + video, end = position_after(tokens.size());
    return {make_order(std::move(tokens)), {others, end}, {whole ? 0 : size, end}};
  }

  Lengths lengths_;
  std::map<Order, Keys> made_;
};

/// The segments of a table, each with the other tokens' keys. Segments that share ranges go on
/// sharing them.
HeadTable with_keys(const HeadTable& table, const KeyRange& others) {
  HeadTable extended{table.query_order, table.key_order, {}, {}};
  std::map<std::pair<int32_t, int32_t>, Segment> made;
  for (const Segment& s : table.segments) {
    const auto [found, fresh] = made.try_emplace({s.range_begin, s.range_end});
    if (fresh) {
      std::vector<KeyRange> ranges(table.ranges.begin() + s.range_begin,
                                   table.ranges.begin() + s.range_end);
      ranges.push_back(others);
      extended.add(s.query_begin, s.query_end, ranges);
      found->second = extended.segments.back();
    } else {
      extended.segments.push_back(
          {s.query_begin, s.query_end, found->second.range_begin, found->second.range_end});
    }
  }
  return extended;
}

/// The rows that stand in a segment, each once.
std::vector<int32_t> attending_rows(const HeadTable& table) {
  std::vector<int32_t> rows;
  for (const Segment& s : table.segments)
    for (int32_t p = s.query_begin; p < s.query_end; ++p)
      rows.push_back(static_cast<int32_t>(table.query_row(p)));
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

/// A table over video tokens as one over all.
HeadTable extended(const HeadTable& table, bool repeats_queries, bool with_queries, Lengths lengths,
                   KeyOrders& orders) {
  const Keys& keys = orders.with_others(table.key_order);
  HeadTable all = repeats_queries ? table : with_keys(table, keys.others);
  all.key_order = keys.order;
  std::vector<int32_t> queries = entries(table.query_order, lengths.video);
  if (repeats_queries) {
    // A segment of their own: a query of several segments would count the keys as often.
    const std::vector<int32_t> rows = attending_rows(table);
    const auto begin = static_cast<int32_t>(queries.size());
    queries.insert(queries.end(), rows.begin(), rows.end());
    all.add(begin, position_after(queries.size()), {keys.others});
  }
  if (with_queries) {
    const auto begin = static_cast<int32_t>(queries.size());
    append_run(queries, lengths.video, lengths.all);
    all.add(begin, position_after(queries.size()), {keys.every});
  }
  if (table.query_order || repeats_queries) all.query_order = make_order(std::move(queries));
  return all;
}

/// The gate of tokens, of which the others have `weight`: [video] or [video,H] as [all] or [all,H].
std::shared_ptr<const List<float>> extended(const List<float>& gate, float weight,
                                            Lengths lengths) {
  std::vector<float> values = gate.host();
  values.resize(values.size() / lengths.video * lengths.all, weight);
  return make_list(std::move(values));
}

void extend_weights(Branch& branch, float weight, Lengths lengths) {
  if (branch.token_weight)
    branch.token_weight = extended(*branch.token_weight, weight, lengths);
  else if (weight != 1)
    branch.token_weight =
        extended(List<float>(std::vector<float>(lengths.video, 1.0F)), weight, lengths);
  if (!branch.channel_weight) return;
  Array channels = *branch.channel_weight;
  auto& values = std::get<std::vector<float>>(channels.values);
  values.resize(values.size() / lengths.video * lengths.all, 1.0F);
  channels.shape[0] = lengths.all;
  branch.channel_weight = std::make_shared<const Array>(std::move(channels));
}

/// Other tokens have a row of their own where they are queries; else none.
void extend_output_map(Branch& branch, bool with_queries, Lengths lengths) {
  if (branch.output_map.empty() && branch.prepared.q) {
    const std::vector<int32_t> identity = entries(nullptr, lengths.video);
    branch.output_map.assign(branch.tables.size(), identity);
  }
  for (std::vector<int32_t>& map : branch.output_map)
    for (int32_t token = lengths.video; token < lengths.all; ++token)
      map.push_back(with_queries ? token : -1);
}

}  // namespace

Inputs video_alone(const Inputs& in, const std::vector<InputSpec>& declared) {
  Inputs video = in;
  const int64_t count = in.grid.video_tokens();
  for (auto* tensor : {&video.q, &video.k, &video.v}) *tensor = first_tokens(*tensor, count);
  video.grid.text_tokens = 0;
  for (const InputSpec& input : declared)
    if (const Array* array = in.find(input.name);
        array != nullptr && input.shape.starts_with("[L") && !array->shape.empty() &&
        array->shape[0] == in.length())
      video.extra[input.name] = first_rows(*array, count);
  return video;
}

bool add_other_tokens(const Inputs& in, Plan& plan) {
  const auto own = [](const Branch& b) { return !b.prepared.q && !b.prepared.k; };
  const auto first = std::find_if(plan.branches.begin(), plan.branches.end(), own);
  if (first == plan.branches.end()) return false;
  const Lengths lengths{static_cast<int32_t>(in.grid.video_tokens()),
                        static_cast<int32_t>(in.length())};
  KeyOrders orders(lengths);
  for (Branch& branch : plan.branches) {
    const bool with_queries = &branch == &*first;
    extend_weights(branch, with_queries ? 1 / branch.weight : 1, lengths);
    extend_output_map(branch, with_queries, lengths);
    if (!own(branch)) continue;
    for (HeadTable& table : branch.tables)
      table = extended(table, branch.repeats_queries, with_queries, lengths, orders);
  }
  if (plan.constant) {
    Tensor constant(in.length(), plan.constant->heads(), plan.constant->dim());
    std::copy_n(plan.constant->data<float>(), plan.constant->size(), constant.data<float>());
    plan.constant = std::make_shared<const Tensor>(std::move(constant));
  }
  return true;
}

}  // namespace vidattn
