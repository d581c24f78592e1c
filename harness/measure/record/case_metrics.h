#pragma once

#include <optional>
#include <vector>

#include "harness/measure/case.h"

namespace vidattn {

/// The denoising run whose mean density is reported.
struct DenoisingRun {
  int64_t steps = 50, layers = 30;
};

/// Full attention on a case's device and in its storage type, where it was timed; else null.
const Case* control_of(const std::vector<Case>& cases, const Case& c);

/// Fills the values of every case that passed its check, as the catalogue computes them, and its
/// plan facts. A case without times becomes interrupted, one above the peak mistrusted; one whose
/// disturbed() is said to be so in its note.
/// `timing` is how the blocks were timed, where an engine timed them.
void add_metrics(std::vector<Case>& cases, const DenoisingRun& denoising,
                 const std::optional<TimingFacts>& timing = {});

}  // namespace vidattn
