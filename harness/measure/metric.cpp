#include "harness/measure/metric.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vidattn {

nlohmann::json to_json(const Metric& metric) {
  nlohmann::json json{{"unit", metric.unit}};
  if (std::isfinite(metric.value)) {
    json["value"] = metric.value;
  } else {
    json["value"] = nullptr;
    json["reason"] = metric.reason.empty() ? "not finite" : metric.reason;
  }
  return json;
}

std::string cell(const Metric& metric) {
  if (!std::isfinite(metric.value)) return "-";
  return fmt::format("{:.{}g}", metric.value * metric.scale, metric.digits);
}

std::string text_table(const std::vector<std::string>& headers,
                       const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> width;
  for (const auto& header : headers) width.push_back(header.size());
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c)
      line += c == 0 ? fmt::format("{:<{}}", row[c], width[c])
                     : fmt::format("  {:>{}}", row[c], width[c]);
    text += line + "\n";
  };
  add(headers);
  for (const auto& row : rows) add(row);
  return text;
}

}  // namespace vidattn
