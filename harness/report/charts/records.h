#pragma once

#include <cmath>
#include <nlohmann/json.hpp>

namespace vidattn {

// Numbers of report_data()'s records, NaN where there is none.

inline double number_of(const nlohmann::json& value) {
  return value.is_number() ? value.get<double>() : NAN;
}

inline double metric_of(const nlohmann::json& record, const char* tag) {
  return record["metrics"].value(tag, NAN);
}

}  // namespace vidattn
