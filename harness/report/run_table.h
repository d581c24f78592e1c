#pragma once

#include <string>
#include <vector>

#include "harness/store/run_file.h"

namespace vidattn {

/// What `vidattn run` prints: the workload, the tables of cost, fidelity and transfers as the
/// catalogue has them, notes and reasons.
std::string run_text(const MainJob& job);

/// The timed cases by name, with the catalogue's few columns for papers.
std::string run_latex(const std::vector<Measurement>& cases, const std::vector<std::string>& names);
std::string run_markdown(const std::vector<Measurement>& cases,
                         const std::vector<std::string>& names);

/// Every case with every metric of the catalogue in its own unit, unrounded; empty = unknown.
std::string run_csv(const std::vector<Measurement>& cases);

/// What a summary at the end must still say: outcome and reason of each case that did not pass.
std::string reasons_text(const std::vector<Measurement>& cases);

}  // namespace vidattn
