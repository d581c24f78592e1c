#include "harness/compare/unfit.h"

#include <fmt/format.h>

namespace vidattn {

std::string unfit_for_times(const StoredRun& run) {
  for (const PreflightCheck& check : run.preflight)
    if (check.state == PreflightCheck::State::invalid)
      return fmt::format("the look before the run found {} invalid: {}", check.name, check.message);
  return "";
}

std::string unfit_for_times(const Measurement& measured) {
  return measured.cores_were_taken()
             ? fmt::format("other programs held {:.1f} cores while it was measured",
                           measured.timing->cpus_of_others)
             : "";
}

}  // namespace vidattn
