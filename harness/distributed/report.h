#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/distributed/run_case.h"

namespace vidattn {

/// What each rank did, a row each, and the slowest of them with all bytes.
std::string ranks_table(const DistributedCase& result);
nlohmann::json ranks_json(const DistributedCase& result);
/// The table of a case, with what was compared in front.
std::string case_text(const DistributedCase& result, const RankLayout& layout);
nlohmann::json case_json(const DistributedCase& result);

}  // namespace vidattn
