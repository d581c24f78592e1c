#pragma once

#include <functional>

#include "harness/distributed/ranks/communicator.h"
#include "harness/measure/density.h"

namespace vidattn {

/// A method's knob as the first rank solves for it, on all ranks: whatever the others would find,
/// all plan alike. `solve` is called on the first rank alone. Throws what agree() throws where it
/// throws InputErrors.
DensitySolution solve_on_first(Communicator& world, const std::function<DensitySolution()>& solve);

}  // namespace vidattn
