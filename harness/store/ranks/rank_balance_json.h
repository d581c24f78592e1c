#pragma once

#include <nlohmann/json.hpp>

#include "harness/io/json_reader.h"
#include "metrics/ranks/balance.h"

namespace vidattn {

/// The balance of a plan over ranks as it stands in records: an entry of `ranks` in a case's
/// details. Where the ranks are refused, `ulysses` or `ring` has `refused`, why, and nothing else.
nlohmann::json to_json(const RankBalance& balance);
/// Throws InputError for what to_json() does not write.
RankBalance rank_balance_from_json(const JsonReader& j);

}  // namespace vidattn
