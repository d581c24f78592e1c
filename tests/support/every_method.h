#pragma once

#include <gtest/gtest.h>

#include <exception>

#include "attention/backend.h"

namespace vidattn::testing {

/// Calls take(plan, inputs) for every method, with its defaults, that can plan these inputs;
/// returns how many there were.
template <class Take>
int for_every_plan(const Inputs& in, const Take& take) {
  int planned = 0;
  for (const Backend* backend : backends()) {
    SCOPED_TRACE(backend->name());
    Inputs own = in;
    Plan plan;
    try {
      backend->prepare(own, backend->defaults());
      plan = backend->plan(own, backend->defaults());
    } catch (const std::exception&) {  // wants another grid, or inputs
      continue;
    }
    ++planned;
    take(plan, own);
  }
  return planned;
}

}  // namespace vidattn::testing
