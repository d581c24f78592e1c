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

/// Of clips of any videos that look alike and whose lengths are within a tenth, keeps the one with
/// the most pixels in its crop, of such the one whose BRISQUE score is higher by a tenth, else the
/// first. The others get the rule clip.duplicate, whose note names the one that is kept. Clips that
/// are dropped already do not count.
void drop_duplicates(std::vector<VideoClips>& videos);

}  // namespace vidattn
