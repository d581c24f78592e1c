#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/distributed/run_case.h"

namespace vidattn {

/// What each rank did in a pass, a row each, and the slowest of them with all bytes. `backward`
/// names the columns of what goes with gates' and inputs' gradients. `peak_bytes` may be empty.
std::string ranks_table(const SharedPass& pass, const std::vector<int64_t>& peak_bytes,
                        bool backward);
nlohmann::json ranks_json(const SharedPass& pass, const std::vector<int64_t>& peak_bytes);
/// How ranks share calls, for records; and on which cores.
nlohmann::json distributed_json(const RankLayout& layout, const Communicator& world);
nlohmann::json distributed_json(const RankLayout& layout, const Communicator& world,
                                const OwnCores& cores);
/// The table of a case, with what was compared in front.
std::string case_text(const DistributedCase& result, const RankLayout& layout);
nlohmann::json case_json(const DistributedCase& result);

}  // namespace vidattn
