#include "attention/inputs.h"

#include <algorithm>
#include <numbers>

#include "attention/backward/magnitudes.h"
#include "attention/error.h"

namespace vidattn {
namespace {

std::string shape_text(const Tensor& t) {
  return "[" + std::to_string(t.length()) + "," + std::to_string(t.heads()) + "," +
         std::to_string(t.dim()) + "]";
}

/// No score exceeds the product of two norms. Devices scale the queries before the product or the
/// scores after it, with log2(e) for the powers of two that they take. A sum of values is divided
/// by its weights, at most 1 each, only at the end.
void require_representable(const Inputs& in) {
  const Magnitudes q(*in.q), k(*in.k), v(*in.v);
  const double factor = std::max(1.0, std::abs(in.softmax_scale()) * std::numbers::log2e);
  for (int64_t h = 0; h < in.heads(); ++h) {
    const double score = q.norm[h] * k.norm[in.kv_head(h)] * factor;
    const double sum = v.element[in.kv_head(h)] * static_cast<double>(in.keys());
    require_float32(h, "products of q and k", score);
    require_float32(h, "sums of v over the tokens", sum);
  }
}

}  // namespace

int64_t StepCache::bytes() const {
  int64_t sum = 0;
  for (const auto& [name, tensor] : tensors)
    if (tensor) sum += tensor->bytes();
  for (const auto& [name, array] : arrays)
    if (array)
      sum += std::visit(
          [](const auto& values) {
            return static_cast<int64_t>(values.size() * sizeof(values[0]));
          },
          array->values);
  return sum;
}

const Array* Inputs::find(const std::string& name) const {
  const auto found = extra.find(name);
  return found == extra.end() ? nullptr : found->second.get();
}

const Array& Inputs::need(const std::string& name, const std::string& method) const {
  if (const Array* array = find(name)) return *array;
  throw InputError(method + " needs the input '" + name + "', which was not given");
}

void Inputs::need_grid(const std::string& method) const {
  if (!grid.known())
    throw InputError(method + " needs the video grid: give frames, height and width in tokens");
}

void Inputs::validate() const {
  if (q->empty() || k->empty() || v->empty()) throw InputError("q, k and v must not be empty");
  if (k->length() != v->length() || k->heads() != v->heads())
    throw InputError("k " + shape_text(*k) + " and v " + shape_text(*v) +
                     " differ in length or heads");
  if (q->dim() != k->dim())
    throw InputError("q " + shape_text(*q) + " and k " + shape_text(*k) +
                     " differ in head dimension");
  if (q->heads() % k->heads() != 0)
    throw InputError("the " + std::to_string(k->heads()) + " key heads do not divide the " +
                     std::to_string(q->heads()) + " query heads");
  if (grid.known()) {
    grid.validate();
    if (grid.tokens() != length())
      throw InputError("the grid has " + std::to_string(grid.tokens()) + " tokens, q has " +
                       std::to_string(length()));
  }
  require_representable(*this);
}

}  // namespace vidattn
