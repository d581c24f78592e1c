#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/store/run.h"

namespace vidattn {

/// Numbers of the page, with 4 significant digits; null where undefined.
nlohmann::json short_numbers(const std::vector<double>& values);

/// What the page's heat maps show, added to report_data(): "call_groups", what is measured over
/// several calls of a capture ("moga at density 0.25"), and "calls", each with its "group" (index),
/// "layer", "step" (null = unknown), "first_head" and the "recall" of its heads. Cases that failed,
/// that missed the density asked for, or that are full attention are left out.
void add_calls(const std::vector<StoredRun>& runs, nlohmann::json& data);

}  // namespace vidattn
