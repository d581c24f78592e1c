#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/compare/check.h"

namespace vidattn {

/// For the console: a line for each case that does not match, its root cause first, and one with
/// the verdict.
std::string check_text(const CheckReport& report);
/// For a pull request: verdict, a table of the cases, and what does not match.
std::string check_markdown(const CheckReport& report);
/// JUnit XML: a test case per case of the suite; what is worse or changed is a failure, what cannot
/// be judged is an error, skipped is skipped.
std::string check_junit(const CheckReport& report);
/// For programs: verdict, exit code, and the findings of every case.
nlohmann::json check_json(const CheckReport& report);

}  // namespace vidattn
