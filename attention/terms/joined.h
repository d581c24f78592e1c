#pragma once

#include <cstddef>
#include <vector>

#include "attention/device.h"

namespace vidattn {

/// log(e^a + e^b); -inf where both are.
float add_lse(float a, float b);
double add_lse(double a, double b);

/// The branches [first, last) that share a softmax with branch b (Branch::joined).
struct JoinedBranches {
  size_t first, last;
};
JoinedBranches joined_with(const Plan& plan, size_t b);

/// LSE [L,H] of the softmax that branch b has a share of, from those of its branches.
std::vector<float> joined_lse(const Plan& plan, const Output& out, size_t b);

}  // namespace vidattn
