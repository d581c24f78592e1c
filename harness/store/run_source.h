#pragma once

#include <string>

#include "harness/store/store.h"

namespace vidattn {

/// Whether a text names a stored run (FILE.json or run:NAME), as opposed to a backend.
bool names_run(const std::string& text);

/// A run with its cases, from
///   FILE.json  what `vidattn run --out` or `sweep --out` wrote, or `vidattn export` of one run
///   run:NAME   a run of the store: an id, a uid or its beginning, latest, or latest:SUITE
/// `db` is the store's file; empty = the default one. A file's cases get the dense control of a
/// block from its full attention on the same device and in the same storage type; without one,
/// dense_seconds is NaN. Throws InputError naming what cannot be read.
StoredRun read_run(const std::string& text, const std::string& db);

/// A run from what `vidattn run` records (run_report.h), without a uid and times of its own. Its
/// suite is the command's name, run or sweep. Cases get the ratio to full attention and its
/// interval. Throws nlohmann::json::exception for anything else.
StoredRun run_from_record(const nlohmann::json& record);

}  // namespace vidattn
