#pragma once

#include <nlohmann/json.hpp>

#include "harness/store/run.h"

namespace vidattn {

/// One run in the JSON format of Google Benchmark, for its compare.py and CI actions built on it:
/// every block is one repetition, real_time is planning and running, cpu_time what all threads of
/// the process used meanwhile, and _mean, _median, _stddev and _cv follow as from
/// `--benchmark_repetitions`. Cases without times stand in the context with their cause, because
/// compare.py ends at entries without real_time. Where the CPU time is unknown (old records, two
/// programs compared), cpu_time repeats real_time, and the context says so.
nlohmann::json google_benchmark_json(const StoredRun& run);

}  // namespace vidattn
