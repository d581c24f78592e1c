#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/store/run.h"

namespace vidattn {

/// Numbers of the page, with 4 significant digits; null where undefined.
nlohmann::json short_numbers(const std::vector<double>& values);

/// A run over several calls of a capture as charts and tables of the page show it: each case is the
/// mean over the calls (over_calls()), with the tensors and the setting of the first call, so that
/// pictures can be drawn. Other runs as they are. `missed` tells of each case whether it, or any of
/// its calls, is off the density asked for, `workloads` what its tensors are called: of a mean all
/// its calls.
struct ShownRun {
  StoredRun run;
  std::vector<bool> missed;
  std::vector<std::string> workloads;
};
ShownRun mean_over_calls(const StoredRun& run);

/// What the page's heat maps show, added to report_data(): "call_groups", what is measured over
/// several calls of a capture: "name" ("moga at density 0.25"), and how many calls "missed" it; and
/// "calls", each with its "group" (index),
/// "layer", "step" (null = unknown), "heads", their numbers in the model, and the "recall" of each.
/// Cases that failed, that missed the density asked for, or that are full attention are left out.
void add_calls(const std::vector<StoredRun>& runs, nlohmann::json& data);

}  // namespace vidattn
