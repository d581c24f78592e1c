#pragma once

#include <nlohmann/json.hpp>

#include "harness/measure/record/over_calls.h"

namespace vidattn {

/// One entry of a record's `over_calls`:
///   backend, device, dtype, density, cache   what the calls share
///   calls, passed, missed_density            how many
///   metrics     {tag: {unit, value}}, means over the calls that passed
///   speedup     {mean, low, high, clusters, clustered_by: call or prompt}, null = unknown
///   worst       {recall, relative_l2, cosine, density: {value, head, call}}
///   mean_over_heads {recall, relative_l2, cosine, density}, over the calls' heads
///   worst_heads [{layer, head, calls, recall, relative_l2, cosine}], lowest mean recall first;
///               with `part`, a prefix or file, where layers and steps do not tell the calls
nlohmann::json to_json(const OverCalls& over);

}  // namespace vidattn
