#pragma once

#include <vector>

#include "harness/store/run.h"

namespace SQLite {
class Database;
}

namespace vidattn {

/// Rows of the store's tables (store.h) to typed runs and cases, and back. They throw what SQLite
/// throws, and InputError for a value of another type (a store altered by hand).
std::vector<StoredRun> select_runs(const SQLite::Database& database);
/// Cases of a run in the order of their storing; reads older versions as well.
std::vector<Measurement> select_cases(const SQLite::Database& database, int64_t run_id,
                                      int version);

/// Sets run.id, and run.uid when it is empty.
void insert_run(SQLite::Database& database, StoredRun& run);
/// All but the first `kept` of a run, with their metrics and blocks.
void delete_cases(SQLite::Database& database, int64_t run_id, int64_t kept);
/// With its metrics and blocks; sets c.id.
void insert_case(SQLite::Database& database, int64_t run_id, Measurement& c);

}  // namespace vidattn
