#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/measure/case.h"
#include "harness/suites/runner.h"
#include "harness/workloads/workload.h"

namespace vidattn {

/// A case with its metrics by tag.
nlohmann::json to_json(const CaseResult& result);

/// Name, sizes, provenance, and the SHA-256 of q, k and v.
nlohmann::json workload_record(const Workload& workload);

/// What `vidattn run --out` writes: schema version, environment, arguments, workload with the
/// SHA-256 of q, k and v, peaks measured between the blocks, and every case.
nlohmann::json run_record(const RunOptions& options, const Workload& workload,
                          const std::vector<Case>& cases, const std::vector<double>& peaks);

/// Prints the workload, the table of cost, the table of fidelity, and notes and reasons.
void print_report(const Workload& workload, const std::vector<Case>& cases,
                  const std::vector<double>& peaks);

}  // namespace vidattn
