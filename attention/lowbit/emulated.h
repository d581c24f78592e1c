#pragma once

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// A plan and inputs in float32 that give what low bits give, for a device that knows none: every
/// branch has its rounded operands, with a channel more, in which a key holds 1 and a query its
/// product with the mean that was taken off the keys: so LSE, and what is merged by it, are right.
/// Linear terms and slopes of values, which stay in float, are left out.
struct EmulatedCall {
  Plan plan;
  Inputs in;
  EmulatedCall(const Plan& plan, const Inputs& in);
};

}  // namespace vidattn
