#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vidattn {

/// A page with values in its places (%STYLE%, …), which are named in the order in which they stand.
std::string fill_page(std::string_view page,
                      const std::vector<std::pair<std::string, std::string>>& with);

/// JSON that may stand inside a script element.
std::string script_json(const nlohmann::json& data);

}  // namespace vidattn
