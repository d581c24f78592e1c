#include "attention/inputs.h"

#include "attention/error.h"

namespace vidattn {
namespace {

std::string shape_text(const Tensor& t) {
  return "[" + std::to_string(t.length()) + "," + std::to_string(t.heads()) + "," +
         std::to_string(t.dim()) + "]";
}

}  // namespace

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
  if (k->length() != v->length() || k->heads() != v->heads() || k->dim() != v->dim())
    throw InputError("k " + shape_text(*k) + " and v " + shape_text(*v) + " differ in shape");
  if (q->length() != k->length() || q->dim() != k->dim())
    throw InputError("q " + shape_text(*q) + " and k " + shape_text(*k) +
                     " differ in length or head dimension");
  if (q->heads() % k->heads() != 0)
    throw InputError("the " + std::to_string(k->heads()) + " key heads do not divide the " +
                     std::to_string(q->heads()) + " query heads");
  if (!grid.known()) return;
  grid.validate();
  if (grid.tokens() != length())
    throw InputError("the grid has " + std::to_string(grid.tokens()) + " tokens, q has " +
                     std::to_string(length()));
}

}  // namespace vidattn
