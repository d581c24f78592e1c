#pragma once

#include <stdexcept>
#include <string>

#include "harness/compare/check.h"

namespace vidattn::testing {

/// What was found of a figure of the report's c-th case.
inline const Finding& finding(const CheckReport& report, size_t c, const std::string& figure) {
  for (const Finding& f : report.cases.at(c).findings)
    if (f.figure == figure) return f;
  throw std::runtime_error("no finding " + figure);
}

}  // namespace vidattn::testing
