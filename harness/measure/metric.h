#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// A figure that describes itself, so that tables and files need no code per metric.
struct Metric {
  std::string tag;     ///< key in JSON
  std::string header;  ///< column of the table; empty = only in JSON
  std::string unit;
  double value;    ///< NaN or infinite = unknown; then `reason` says why
  int digits = 3;  ///< significant digits in the table
  std::string reason = {};
  double scale = 1;  ///< the table shows value * scale (ms, MiB); JSON keeps the unit
};

/// {"value": …, "unit": …}; a value that is not finite becomes null with its reason.
nlohmann::json to_json(const Metric& metric);

/// Table cell: the value with its digits, or "-" when unknown.
std::string cell(const Metric& metric);

/// Aligned text table; the first column is left-aligned, the others right-aligned.
std::string text_table(const std::vector<std::string>& headers,
                       const std::vector<std::vector<std::string>>& rows);

}  // namespace vidattn
