#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/host/process.h"
#include "harness/measure/request.h"

namespace vidattn {

/// A list of cases to measure, from a JSON file (schema: harness/suites/suite.schema.json).
struct Suite {
  std::string name;
  nlohmann::json definition;       ///< as read
  std::vector<CaseRequest> cases;  ///< one backend each; no two with the same key
  ProcessLimits limits;            ///< of each case's process
};

/// Reads a suite: a file, or the name of a ready suite (quick, ci, paper). Relative paths in
/// workloads are taken from the current folder. Throws InputError, in one line, for anything that
/// is not valid: JSON, unknown keys, backends, parameters, devices.
Suite load_suite(const std::string& file_or_name);

/// The suite of a definition that was read before.
Suite parse_suite(const nlohmann::json& definition);

}  // namespace vidattn
