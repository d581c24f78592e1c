#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// What charts do not show though their panel of panels_of() was timed, and why: [{chart, label,
/// whole, text}]. Chart is a name as of ChartKind, label that of the panel, or of a comparison of
/// comparisons_of(). `whole`: it has none of the cases, full attention aside, and is not drawn; the
/// text is why. Else the text names cases: "sta, moga (missed the density asked for); nsa
/// (failed)". A chart shows nothing that the table leaves out.
nlohmann::json left_out_of(const nlohmann::json& cases, const nlohmann::json& panels,
                           const nlohmann::json& comparisons);

/// Whole charts as lines for people, one for all that a panel lacks for one reason.
std::vector<std::string> left_out_lines(const nlohmann::json& left_out);

/// What a chart of that label does not show; null = nothing.
const nlohmann::json* left_out_in(const nlohmann::json& left_out, const std::string& chart,
                                  const std::string& label);

}  // namespace vidattn
