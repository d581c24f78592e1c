#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// Charts that a panel of panels_of() does not have though its cases were timed, and why: [{chart,
/// label, why}]. Chart is a name as of ChartKind, label that of the panel, of a comparison with the
/// density asked for. A chart shows nothing that the table leaves out.
nlohmann::json left_out_of(const nlohmann::json& cases, const nlohmann::json& panels);

/// The same as lines for people, one for all charts that a panel lacks for one reason.
std::vector<std::string> left_out_lines(const nlohmann::json& left_out);

}  // namespace vidattn
