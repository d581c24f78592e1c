#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attention/device.h"
#include "harness/conform/test_vector.h"

namespace vidattn {

/// What a case is checked with.
struct Execution {
  const Device& device;
  Inputs in;  ///< operands in the type that is attended
  Plan plan;
  Output out;
  /// named_gradients() of a case that has some, on a device that has a backward pass.
  std::map<std::string, Array> gradients = {};
};

/// Index of the branch of that name.
std::optional<size_t> branch_index(const Plan& plan, const std::string& name);

/// Plans and runs the case's call, or its calls, the denoising steps of one layer. Plans in
/// float32, so that selections do not depend on the type, and attends in `dtype`.
std::vector<Execution> execute_calls(const TestCase& test, const BackendSpec& spec,
                                     const std::string& device, DType dtype);

/// What the runs give for the file `name`: an array that the method explains, the output, the LSE
/// of the first softmax, the mask, or a branch's part of them (o_stga, lse_stga, o_linear), or a
/// gradient. Of
/// several steps one after the other, or the last one's where the file has no axis for them.
std::optional<Array> result_of(const std::vector<Execution>& runs, const TestCase& test,
                               const std::string& name);

}  // namespace vidattn
