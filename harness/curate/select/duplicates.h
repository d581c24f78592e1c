#pragma once

#include <string>
#include <vector>

#include "harness/curate/shots/clip_record.h"

namespace vidattn {

/// The clips of one video.
struct VideoClips {
  std::string video;  ///< its id
  double fps = 0;
  std::vector<ClipRecord> clips;
  double duplicate = 0;  ///< the limit (limits.h)
};

/// Drops clips that are kept so far but look as an earlier kept one of any video, of a length
/// within a tenth: the rule clip.duplicate, whose note names the earlier one.
void drop_duplicates(std::vector<VideoClips>& videos);

}  // namespace vidattn
