#pragma once

#include <functional>
#include <memory>
#include <opencv2/core.hpp>
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
};

/// What the paths stand for, in order: a file is a video; a folder with pictures is one video, its
/// pictures ordered by name with numbers by value (2 before 10); another folder is every video file
/// in it; `film` or `film:SEED` is the rendered film. Opens every file once. Throws InputError for
/// a path that is none of these, a folder that holds neither pictures nor videos, or both, or a
/// rate that is no number above 0.
std::vector<VideoInput> find_videos(const std::vector<std::string>& paths, double image_fps);

/// The one video that the path stands for, a folder of frames at 24 frames per second. Throws
/// InputError also for a folder of several videos.
VideoInput find_video(const std::string& path);

/// Opens the frames. Reading throws InputError for a picture that cannot be read or has another
/// size than the first.
std::unique_ptr<FrameSource> open_frames(const VideoInput& input);

/// First pass: number, size, shots (the film's are known). Throws as survey_video does.
VideoSurvey survey(const VideoInput& input, const std::function<void(double)>& progress = {});

}  // namespace vidattn
