#pragma once

#include <map>
#include <string>

#include "harness/dit/training/train.h"

namespace vidattn {

/// What a checkpoint says of how it is trained, by the names of the options of `vidattn train`:
/// everything that its steps hang on, so that --resume goes on with the same.
std::map<std::string, std::string> settings_of(const TrainRequest& request);

/// Makes the request that of a checkpoint that is gone on with. Settings that the checkpoint does
/// not name, as older ones, are the request's. Throws InputError for one that no option could be,
/// and, naming one that differs, where the request names another (TrainRequest::named).
void take_settings(const DitCheckpoint& checkpoint, TrainRequest& request);

/// Steps that a checkpoint speaks of, as "steps" (all) or "done"; `otherwise` where it does not.
/// Throws InputError for what is no number of steps.
int64_t steps_in(const DitCheckpoint& checkpoint, const std::string& fact, int64_t otherwise);

}  // namespace vidattn
