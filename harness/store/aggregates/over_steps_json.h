#pragma once

#include <nlohmann/json.hpp>

#include "harness/measure/record/over_steps.h"

namespace vidattn {

/// One entry of a record's `over_steps`:
///   backend, device, dtype, density, cache   what the steps share; layer (null = unknown)
///   steps, passed                     how many
///   parts  [{part: first, steady or run; steps: [numbers]; metrics {tag: {unit, value}}}]
nlohmann::json to_json(const OverSteps& over);

}  // namespace vidattn
