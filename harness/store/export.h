#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/store/store.h"

namespace vidattn {

nlohmann::json to_json(const StoredCase& c);
nlohmann::json to_json(const StoredRun& run);

/// Inverses of to_json(). Throw nlohmann::json::exception or InputError for anything else.
StoredCase case_from_json(const nlohmann::json& json);
StoredRun run_from_json(const nlohmann::json& json);

/// What `vidattn export` writes: whole runs, samples included.
nlohmann::json export_runs(const std::vector<StoredRun>& runs);
/// Reads a file that export_runs() made. Throws InputError naming the file for anything else.
std::vector<StoredRun> read_export(const std::string& path);

/// One run in the JSON format of Google Benchmark, for its compare.py and CI actions built on it:
/// every block is one repetition, real_time is planning and running. Cases without times
/// stand in the context with their cause, because compare.py ends at entries without real_time.
/// cpu_time repeats real_time, because CPU time is not measured.
nlohmann::json google_benchmark_json(const StoredRun& run);

}  // namespace vidattn
