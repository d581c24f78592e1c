#pragma once

#include <memory>

#include "attention/inputs.h"
#include "attention/plan.h"
#include "harness/distributed/parts/exchange.h"

namespace vidattn {

/// A plan's linear terms as a call of their own: they see all keys of a ring at once. Their
/// features are prepared, and so the values alone are gathered.
struct LinearCall {
  LinearCall(Communicator& ring, const Plan& whole, const Inputs& own) : in(own) {
    plan.linear = whole.linear;
    in.v = gather_tokens(ring, *own.v);
    in.k = std::make_shared<const Tensor>(
        Tensor::view(nullptr, in.v->length(), own.k->heads(), own.k->dim(), own.k->dtype()));
  }

  Plan plan;
  Inputs in;
};

}  // namespace vidattn
