#pragma once

#include <string>
#include <vector>

#include "harness/report/columns.h"
#include "harness/store/run_file.h"

namespace vidattn {

/// What `run` prints of several calls of a capture: which they are, a table of the chosen columns
/// as means over calls, the worst head of each figure, and the heads of lowest recall.
std::string calls_line(const MainJob& job);
/// The calls in a few words: "tensors:dump: 12 calls; layers 0,1,2,3; steps 0,1,2".
std::string calls_text(const std::vector<Measurement>& cases);
/// Notes, outcomes and reasons, each once, with the call that it is of, or of how many.
std::string calls_reasons(const std::vector<Measurement>& cases);
std::string calls_tables(const std::vector<Measurement>& cases, const ColumnChoice& choice);

/// Of a single call: "lowest recall of a head: moga 0.93 (head 1)", of the backends whose heads
/// differ; empty = of none.
std::string lowest_head_line(const std::vector<Measurement>& cases);

/// A run of several calls with their means as its cases; any other as it is.
StoredRun over_its_calls(const StoredRun& run);

}  // namespace vidattn
