#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/workloads/video/video.h"

namespace vidattn {

class Film;

/// A video that the user named: a file, a folder of pictures, or vidattn's own film.
struct VideoInput {
  std::string path;  ///< as given; for a file found in a folder, with the folder
  std::vector<std::string> images = {};  ///< of a folder of frames, in order; else empty
  double image_fps = 24;                 ///< of a folder of frames
  std::shared_ptr<const Film> film = {};
  std::vector<std::string> notes = {};  ///< what was left out beside it
  std::string error = {};               ///< why it cannot be opened; empty = it can
};

/// What the paths stand for, in order: a file is a video; a folder with pictures is one video, its
/// pictures ordered by name with numbers by value (2 before 10); another folder is every video file
/// in it; `film` or `film:SEED` is the rendered film. Hidden files of a folder are left out. Opens
/// every file once: an input that is none of these, a folder that holds neither pictures nor videos
/// or both, and a file that is no video have an `error`. Throws InputError for a rate that is no
/// number above 0.
std::vector<VideoInput> find_videos(const std::vector<std::string>& paths, double image_fps);

/// Whether the name ends as a video's does, .mp4 and so on.
bool has_video_ending(const std::filesystem::path& path);

/// The one video that the path stands for, a folder of frames at 24 frames per second. A folder of
/// several videos has an `error`, too.
VideoInput find_one_video(const std::string& path);

/// The same. Throws InputError for what has an `error`.
VideoInput find_video(const std::string& path);

/// Opens the frames; `threads` decode a file's, 0 = as many as OpenMP has. Of a folder, the
/// pictures of one size are read: the size of most of its first three, or of the first. Throws
/// InputError for an input with an `error` and as VideoReader does; reading, for a picture that
/// cannot be read.
std::unique_ptr<FrameSource> open_frames(const VideoInput& input, int threads = 0);

/// First pass: number, size, shots (the film's are known). Throws as survey_video does.
VideoSurvey survey(const VideoInput& input, const std::function<void(double)>& progress = {});

}  // namespace vidattn
