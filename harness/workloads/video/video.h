#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/workloads/media/frame_source.h"
#include "metrics/shots/shot_detection.h"

namespace vidattn {

/// What a pass over the whole file found.
struct VideoSurvey {
  int64_t frames = 0, height = 0, width = 0;
  double fps = 0;                         ///< by the header; of a variable rate the mean
  std::vector<int64_t> shots = {0};       ///< first frames, in the file's own frames
  std::vector<Boundary> boundaries = {};  ///< between the shots, and fades at both ends
  std::vector<double> times = {};  ///< s from the first frame: where each begins, and the end
  std::vector<Boundary> suppressed = {};  ///< too close to those for shots of their own
  int64_t frames_promised = 0;            ///< by the file's header; 0 = it does not say
  std::vector<std::string> notes = {};    ///< what is special about the file (frame_source.h)
  std::string decoder = {};               ///< FFmpeg's name of it; empty = no video file
};

/// Reads the whole file once, in memory that does not grow with it beyond 8 bytes a frame. A file
/// that is cut off is read as far as it goes, which its notes tell. Throws InputError as
/// VideoReader does, and when not one frame can be read or the frames change their size. `progress`
/// is called after every frame with the share read and may be empty; what it throws ends the pass.
VideoSurvey survey_video(const std::string& path, const std::function<void(double)>& progress = {},
                         const ShotOptions& options = {});
/// The same of any frames; `path` is for messages.
VideoSurvey survey_frames(FrameSource& frames, const std::string& path,
                          const std::function<void(double)>& progress = {},
                          const ShotOptions& options = {});
/// The same with the shots that `finder` finds, which is new.
VideoSurvey survey_frames(FrameSource& frames, const std::string& path,
                          const std::function<void(double)>& progress, ShotFinder& finder);

/// Which frames of a file stand for a video of `wanted` frames: evenly spread over the whole file,
/// so that all its shots appear. frame(i) = floor(i * stride).
struct FrameSampling {
  int64_t wanted = 0;
  double stride = 1;  ///< file frames per sampled frame, at least 1
  int64_t frame(int64_t i) const;
};

/// `available` must be at least `wanted`. With up to three frames more, which fill no latent frame,
/// the stride stays 1 and they are dropped at the end.
FrameSampling sample_frames(int64_t available, int64_t wanted);

/// Shot starts among the sampled frames, from those in the file's own frames: each is the first
/// sampled frame that is not before the cut.
std::vector<int64_t> sampled_shots(const std::vector<int64_t>& shots,
                                   const FrameSampling& sampling);

}  // namespace vidattn
