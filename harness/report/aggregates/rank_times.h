#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace vidattn {

/// Adds to a page's data what ranks did in a file of `run --distributed --out`; nothing of another
/// run. "ranks" gets one of each case and pass: case, facts (how they share it, efficiency, how
/// even they are, the check), and rows with a rank's planning, exchange, attention, waiting and
/// total in ms, sent and memory in MB, bandwidth in GB/s and hidden share in percent; null where it
/// has none. Throws InputError for a file that is not as that command writes it.
void add_rank_times(const std::string& run, nlohmann::json& data);

}  // namespace vidattn
