#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/store/run.h"

namespace vidattn {

nlohmann::json to_json(const StoredRun& run);
/// The inverse. Throws nlohmann::json::exception or InputError for anything else.
StoredRun run_from_json(const nlohmann::json& json);

/// What `vidattn export` writes: whole runs, samples included.
nlohmann::json export_runs(const std::vector<StoredRun>& runs);
/// Reads a file that export_runs() made, of this schema version or of 1.0. Throws InputError naming
/// the file for anything else.
std::vector<StoredRun> read_export(const std::string& path);

}  // namespace vidattn
