#pragma once

#include <string>
#include <vector>

namespace vidattn {

/// A video of the folders given.
struct SourceVideo {
  std::string id;  ///< of its name and place: "holiday-1a2b3c4d"
  std::string path;
  std::string source;  ///< the folder that it lies in
};

/// The video files in the folders and those below, hidden ones and all in `out` left out, in order
/// of their names; a file is itself. Throws InputError for what is missing, cannot be read or lies
/// in `out`, and where there is none.
std::vector<SourceVideo> list_videos(const std::vector<std::string>& folders,
                                     const std::string& out);

}  // namespace vidattn
