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

/// What is called as a video is and can be none, or a link to a folder, behind which nothing is
/// looked for.
struct SkippedFile {
  std::string path;
  std::string reason;  ///< "a FIFO", "a link to nothing"
};

struct ListedVideos {
  std::vector<SourceVideo> videos;
  std::vector<SkippedFile> skipped;
};

/// The video files in the folders and those below, hidden ones and all in `out` left out, in order
/// of their names; a file is itself. Throws InputError for what is missing, cannot be read or lies
/// in `out`, and for a folder without any.
ListedVideos list_videos(const std::vector<std::string>& folders, const std::string& out);

}  // namespace vidattn
