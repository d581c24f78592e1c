#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/measure/density.h"
#include "harness/probes/nlm_probe.h"
#include "harness/report/columns.h"

namespace vidattn {

/// Rows of restored videos; by default with their density, PSNR, its difference to full attention's
/// and the share of patches that stayed noisy. Other columns are the scores, by their names.
std::string restoration_table(const std::vector<const RestoredVideo*>& videos,
                              const RestoredVideo& full, const ColumnChoice& choice);
/// Throws InputError for a column that the table cannot have.
void check_restoration_columns(const ColumnChoice& choice);

/// One line for each that did not pass, and each knob that was set; then one that names those whose
/// density is not the one asked for.
void print_reasons(const std::vector<const RestoredVideo*>& videos);

/// A video's scores, each with its difference to full attention's on the same noise.
nlohmann::json to_json(const RestoredVideo& video, const RestoredVideo& full);

/// Adds a run that passed to what missed the density asked for, where it did.
void add_missed(MissedDensities& missed, const std::string& label, const ProbeRun& run);

nlohmann::json run_json(const ProbeRun& run);

/// The task: clip, noise, grid, bandwidth, and the noisy video's scores.
nlohmann::json restoration_record(const Restoration& task, double noise, uint64_t seed);

/// Whether a backend failed its equality check.
ExitCode probe_exit_code(const std::vector<RestoredVideo>& videos);

/// "-" for what is not finite.
std::string number(double value, int decimals);

}  // namespace vidattn
