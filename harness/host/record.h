#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// What every JSON file of the tool begins with: schema_version, tool ("vidattn COMMAND"), the
/// arguments as given, and the environment. The version's major number is raised when a field
/// changes its meaning or goes away, the minor one when fields are added.
nlohmann::json record_header(const std::string& command, const std::string& schema_version,
                             const std::vector<std::string>& arguments);

}  // namespace vidattn
