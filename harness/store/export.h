#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/store/run.h"

namespace vidattn {

nlohmann::json to_json(const StoredRun& run);
/// The inverse. Throws InputError for anything else: what stays JSON in a run is checked, too.
StoredRun run_from_json(const JsonReader& json);
/// Any texts: names of files may hold control characters.
std::vector<std::string> arguments_from_json(const JsonReader& json);

/// What `vidattn export` writes: whole runs, samples included.
nlohmann::json export_runs(const std::vector<StoredRun>& runs);
/// The inverse, of this schema version and of 1.0. Throws InputError for anything else.
std::vector<StoredRun> runs_from_json(const JsonReader& json);
/// Reads a file that export_runs() made. Throws InputError naming the file for anything else.
std::vector<StoredRun> read_export(const std::string& path);

}  // namespace vidattn
