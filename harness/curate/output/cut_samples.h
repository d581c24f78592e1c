#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "harness/curate/analyse.h"
#include "harness/curate/select/samples.h"

namespace vidattn {

/// Whether all samples of a video are there, with every caption that was asked for.
bool all_finished(const CurateSettings& settings, const SourceVideo& video,
                  const VideoAnalysis& analysis, const std::vector<SamplePlan>& plans);

/// Writes the samples of a video that are not finished, in one pass over it: the file, its
/// captions, its contact sheet. Packets are copied where every cut falls on a key frame and nothing
/// is cropped away, and what was copied is decoded to see that every frame is there; else the
/// frames are encoded anew (H.264, constant quality 20; without x264 MPEG-4). Sound is left out.
void cut_samples(const CurateSettings& settings, const SourceVideo& video,
                 const VideoAnalysis& analysis, const std::vector<SamplePlan>& plans);

/// The lines of all samples; nothing where one is missing.
std::optional<std::vector<nlohmann::json>> known_samples(const CurateSettings& settings,
                                                         const SourceVideo& video,
                                                         const VideoAnalysis& analysis,
                                                         const std::vector<SamplePlan>& plans);

}  // namespace vidattn
