#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/measure/record/catalogue.h"
#include "harness/report/columns.h"
#include "harness/report/paper/paper_table.h"
#include "harness/store/run_file.h"

namespace vidattn {

/// The catalogue's columns that `vidattn run` can print, chosen by tag; by default what a reader
/// compares: density, its target, recall, error, time, speedup, realised, planning. Throws
/// InputError for an unknown one.
/// Of the few, those that part the errors of low bits are there when a case has any.
std::vector<const MetricInfo*> run_columns(const ColumnChoice& choice,
                                           const std::vector<Measurement>& cases = {});
/// Whether a column says something of these cases: all but the parted errors of no low bits, and
/// those of kIfAny that no case has.
bool speaks_of(const MetricInfo& metric, const std::vector<Measurement>& cases);

/// Whether the case has any figure of the columns; it needs no row without.
bool has_any(const std::vector<const MetricInfo*>& columns, const Measurement& m);
/// The table of the chosen columns, or of all of them one each of cost, fidelity and transfers.
std::string chosen_tables(
    const ColumnChoice& choice, const std::vector<Measurement>& cases,
    const std::function<std::string(const std::vector<const MetricInfo*>&)>& table);
/// What `vidattn run` prints: the workload, what the machine was like, a table of those columns
/// (with all of them one each of cost, fidelity and transfers), notes and reasons. Of several calls
/// of a capture the tables are those of calls_table.h.
std::string run_text(const MainJob& job, const ColumnChoice& choice = {});

/// Every case with every metric of the catalogue in its own unit, unrounded; empty = unknown.
std::string run_csv(const std::vector<Measurement>& cases);

/// What a summary at the end must still say: outcome and reason of each case that did not pass.
std::string reasons_text(const std::vector<Measurement>& cases);

}  // namespace vidattn
