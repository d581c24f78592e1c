#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/measure/density.h"
#include "harness/probes/nlm_probe.h"

namespace vidattn {

/// Rows of restored videos with their sparsity, scores, and difference in PSNR to full attention.
std::string restoration_table(const std::vector<const RestoredVideo*>& videos,
                              const RestoredVideo& full);

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

/// "-" for NaN.
std::string number(double value, int decimals);

}  // namespace vidattn
