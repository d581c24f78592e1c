#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/device.h"

namespace vidattn {

/// How near a device's output is to the reference device executing the same plan.
struct EqualityCheck {
  int64_t rows = 0;         ///< tokens compared, spread over all
  double error = 0;         ///< relative L2
  std::string reason = {};  ///< why the output is not to be believed; empty = it passed
  bool passed() const { return reason.empty(); }
};

/// Checks the output's rows of a sample of `among` (empty = all tokens), as many as the reference
/// computes in about a second.
EqualityCheck check_equality(const Plan& plan, const Inputs& in, const Output& out,
                             const std::vector<int64_t>& among = {});

}  // namespace vidattn
