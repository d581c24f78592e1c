#pragma once

#include <optional>

#include "harness/curate/shots/clip_record.h"
#include "harness/curate/source/judge_source.h"
#include "harness/curate/stages.h"

namespace vidattn {

/// What is known of a video, judged by the limits as they are now.
struct VideoAnalysis {
  SourceReport source;
  std::optional<Segmentation> segmentation;  ///< of a video that the video level keeps
  std::vector<ClipRecord> clips;             ///< of one whose length is right, too

  /// What drops the whole video; nullptr = nothing.
  const Decision* first_drop() const;
  /// What a user should know of it, a sentence each without a full stop.
  std::vector<std::string> notes() const;
};

/// Source level, segmentation and shot level of one video. Whatever an earlier call finished is
/// read from its stages, clip by clip. Throws InputError for a video that cannot be read, and
/// Cancelled.
VideoAnalysis analyse_video(const CurateSettings& settings, const SourceVideo& video);

/// The same from the stages alone; nothing where one is missing.
std::optional<VideoAnalysis> known_analysis(const CurateSettings& settings,
                                            const SourceVideo& video);

}  // namespace vidattn
