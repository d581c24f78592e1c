#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/dit/generate.h"
#include "harness/dit/painted_video.h"
#include "harness/dit/rollout.h"

namespace vidattn {

/// A row for every video; `reference` has no backend where there is none.
void print_generated(const GenerateRequest& request, const RolloutTask& task,
                     const PaintedVideo& reference, const std::vector<PaintedVideo>& videos);

/// The same and all other figures, with the model, as `vidattn generate --json` writes them.
nlohmann::json generate_record(const GenerateRequest& request, const DitNetwork& network,
                               const RolloutTask& task, const PaintedVideo& reference,
                               const std::vector<PaintedVideo>& videos);

}  // namespace vidattn
