#pragma once

#include <nlohmann/json.hpp>

#include "harness/store/run.h"

namespace vidattn {

/// One run in Bencher Metric Format: {case: {measure: {value, lower_value, upper_value}}}, for
/// trackers of a figure over time. Measures: `latency`, the median block's nanoseconds between the
/// fastest and the slowest; `ratio` and `fed_ratio` with their 95% intervals; and every figure that
/// a baseline guards, which has no ends. Cases that did not pass have none and are left out, and so
/// are unknown figures and ends: the format knows no null.
nlohmann::json bencher_json(const StoredRun& run);

}  // namespace vidattn
