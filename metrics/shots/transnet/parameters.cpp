#include "metrics/shots/transnet/parameters.h"

#include <algorithm>
#include <cmath>

#include "attention/error.h"

namespace vidattn {
namespace {

std::string in_brackets(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : ",") + std::to_string(size);
  return "[" + text + "]";
}

}  // namespace

const Array& CheckedParameters::array(const std::string& name) const {
  const auto found = all_.find(name);
  if (found == all_.end()) throw InputError("it has no parameter " + name);
  return found->second;
}

const std::vector<float>& CheckedParameters::of_shape(const std::string& name,
                                                      const std::vector<int64_t>& shape) const {
  const Array& found = array(name);
  if (found.shape != shape)
    throw InputError("its parameter " + name + " has shape " + in_brackets(found.shape) + ", " +
                     in_brackets(shape) + " is needed");
  const auto& values = found.as<float>(name.c_str());
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
    throw InputError("its parameter " + name + " is not finite");
  return values;
}

int64_t CheckedParameters::outputs(const std::string& name) const {
  const Array& found = array(name);
  if (found.shape.empty() || found.shape[0] < 1)
    throw InputError("its parameter " + name + " has no values");
  return found.shape[0];
}

}  // namespace vidattn
