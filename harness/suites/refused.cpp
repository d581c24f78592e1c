#include "harness/suites/refused.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/host/output/thrown.h"

namespace vidattn {

bool say_refused(const std::vector<Measurement>& cases) {
  const auto count = std::count_if(cases.begin(), cases.end(), [](const Measurement& c) {
    return c.outcome == Outcome::refused;
  });
  if (count == 0) return false;
  say(fmt::format("{} of {} cases refused: the reasons are with the results", count, cases.size()),
      ExitCode::usage);
  return true;
}

}  // namespace vidattn
