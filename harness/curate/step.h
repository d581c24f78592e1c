#pragma once

#include <string>
#include <vector>

#include "harness/curate/select/samples.h"
#include "harness/curate/stages.h"

namespace vidattn {

/// Leaves what is to be cut of a video for the process that does it. Throws InputError.
void leave_plans(const VideoStages& stages, const std::vector<SamplePlan>& plans);

/// One step of one of the videos, "analyse:ID" or "cut:ID" (after leave_plans()), as a process of
/// its own does it (workers.h). Throws InputError and Cancelled.
void do_step(const CurateSettings& settings, const std::vector<SourceVideo>& videos,
             const std::string& step);

}  // namespace vidattn
