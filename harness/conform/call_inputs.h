#pragma once

#include <map>
#include <memory>
#include <string>

#include "attention/inputs.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

/// What one call says beside its tensors.
struct CallTerms {
  VideoGrid grid;    ///< frames = 0 when not given; tokens that it leaves over are text tokens
  double scale = 0;  ///< softmax scale; 0 = 1/sqrt(D)
  DType dtype = DType::f32;
  std::string attention;  ///< self, cross, or empty: cross where the numbers differ
};

/// An operand [L,H,D] of a call, and what messages call it.
struct NamedTensor {
  std::shared_ptr<const Tensor> tensor;
  std::string name;
};

/// The validated inputs of one call, operands in the storage type of its dtype. Throws InputError
/// for what contradicts itself.
Inputs call_inputs(const NamedTensor& q, const NamedTensor& k, const NamedTensor& v,
                   const CallTerms& terms);

/// Adds further inputs by name. Throws InputError for one that the method does not know.
void add_inputs(const BackendSpec& spec, std::map<std::string, Array>&& arrays, Inputs& in);

}  // namespace vidattn
