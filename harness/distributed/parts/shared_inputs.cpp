#include "harness/distributed/parts/shared_inputs.h"

#include <algorithm>

#include "harness/distributed/parts/exchange.h"

namespace vidattn {
namespace {

using Extras = std::map<std::string, std::shared_ptr<const Array>>;

/// The axes of a declared shape, "[L,H,D]" as L, H and D.
std::vector<std::string> axes_of(const std::string& shape) {
  std::vector<std::string> axes(1);
  for (const char c : shape) {
    if (c == '[' || c == ']') continue;
    if (c == ',')
      axes.emplace_back();
    else
      axes.back() += c;
  }
  return axes;
}

/// Calls take(name, array, axes) for the declared extras that were given.
template <class Take>
void each_declared(const Extras& extras, const std::vector<InputSpec>& declared, const Take& take) {
  for (const InputSpec& input : declared) {
    const auto found = extras.find(input.name);
    if (found == extras.end() || !found->second) continue;
    const std::vector<std::string> axes = axes_of(input.shape);
    if (axes.size() == found->second->shape.size()) take(input.name, *found->second, axes);
  }
}

/// Entries [span) of one axis.
std::shared_ptr<const Array> cut(const Array& of, size_t axis, Share span) {
  auto part = std::make_shared<Array>();
  part->shape = of.shape;
  part->shape[axis] = span.size();
  int64_t outer = 1, inner = 1;
  for (size_t a = 0; a < axis; ++a) outer *= of.shape[a];
  for (size_t a = axis + 1; a < of.shape.size(); ++a) inner *= of.shape[a];
  std::visit(
      [&](const auto& values) {
        std::decay_t<decltype(values)> kept;
        for (int64_t i = 0; i < outer; ++i) {
          const auto at = values.begin() + (i * of.shape[axis] + span.begin) * inner;
          kept.insert(kept.end(), at, at + span.size() * inner);
        }
        part->values = std::move(kept);
      },
      of.values);
  return part;
}

std::shared_ptr<const Tensor> tokens_of(const Tensor& of, Share tokens) {
  return std::make_shared<const Tensor>(of.tokens(tokens.begin, tokens.end).clone());
}

std::shared_ptr<const Tensor> unread(int64_t length, int64_t heads, int64_t dim, DType dtype) {
  return std::make_shared<const Tensor>(Tensor::view(nullptr, length, heads, dim, dtype));
}

}  // namespace

int64_t SharedInputs::bytes() const {
  int64_t sum = own.q->bytes() + own.k->bytes() + own.v->bytes();
  for (const auto& [name, array] : own.extra)
    if (array)
      std::visit([&](const auto& values) { sum += std::ssize(values) * sizeof(values[0]); },
                 array->values);
  return sum;
}

SharedInputs share_inputs(const Inputs& whole, const std::vector<InputSpec>& declared,
                          const RankLayout& layout, int rank) {
  SharedInputs shared{shape_of(whole), whole};
  layout.check(shared.shape);
  const Share queries = layout.tokens_of(rank, whole.length());
  const Share keys = layout.tokens_of(rank, whole.keys());
  shared.own.q = tokens_of(*whole.q, queries);
  shared.own.k = tokens_of(*whole.k, keys);
  shared.own.v = tokens_of(*whole.v, keys);
  each_declared(whole.extra, declared, [&](const auto& name, const Array& array, const auto& axes) {
    if (axes[0] == "L" && array.shape[0] == whole.length())
      shared.own.extra[name] = cut(array, 0, queries);
  });
  return shared;
}

Extras gather_extras(const SharedInputs& shared, const std::vector<InputSpec>& declared,
                     Communicator& ranks) {
  Extras all = shared.own.extra;
  each_declared(all, declared, [&](const auto& name, const Array& array, const auto& axes) {
    if (axes[0] == "L" && array.shape[0] == shared.own.length())
      all[name] = gather_tokens(ranks, array);
  });
  return all;
}

Inputs gather_inputs(const SharedInputs& shared, const std::vector<InputSpec>& declared,
                     Communicator& ranks) {
  Inputs whole = shared.own;
  whole.q = gather_tokens(ranks, *shared.own.q);
  whole.k = gather_tokens(ranks, *shared.own.k);
  whole.v = gather_tokens(ranks, *shared.own.v);
  whole.extra = gather_extras(shared, declared, ranks);
  return whole;
}

Extras heads_of_extras(Extras extras, const std::vector<InputSpec>& declared, Share heads,
                       Share kv_heads, const CallShape& shape) {
  each_declared(extras, declared, [&](const auto& name, const Array& array, const auto& axes) {
    for (size_t a = 0; a < axes.size(); ++a) {
      const bool of_keys = axes[a] == "HK";
      if ((axes[a] == "H" || of_keys) &&
          array.shape[a] == (of_keys ? shape.kv_heads : shape.heads)) {
        extras[name] = cut(array, a, of_keys ? kv_heads : heads);
        return;
      }
    }
  });
  return extras;
}

Inputs without_values(const CallShape& shape, const Inputs& like) {
  Inputs in = like;
  in.q = unread(shape.length, shape.heads, shape.dim, shape.dtype);
  in.k = unread(shape.keys, shape.kv_heads, shape.dim, shape.dtype);
  in.v = unread(shape.keys, shape.kv_heads, shape.value_dim, shape.dtype);
  return in;
}

}  // namespace vidattn
