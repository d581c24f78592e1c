#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "metrics/video/label_propagation.h"

namespace vidattn {

/// Frames of a video, few and small enough that all attend to all.
struct Clip {
  std::string name;                  ///< "film:1" or the file
  std::vector<cv::Mat> frames;       ///< 8UC3; sides are multiples of 8
  std::vector<int64_t> shots = {0};  ///< first frame of every shot
  double fps = 0;                    ///< of these frames
  std::vector<std::string> notes;    ///< what is special about the file; in the provenance, too
  nlohmann::json provenance;
};

struct ClipRequest {
  /// "film", "film:SEED" (frames of film.h, every fourth one, as one latent frame stands for four)
  /// or a video file or folder of frames, of which some are taken evenly from its whole length.
  std::string source = "film";
  int64_t frames = 21;   ///< at most; a shorter video gives all it has
  int64_t height = 128;  ///< pixels, a multiple of 8; the width follows, rounded to 8
};

/// Throws InputError for a file that is no video, or a source or size that makes no sense: asked
/// before long work begins.
void check_clip(const ClipRequest& request);

/// Throws InputError unless `sigma` lies above 0 and up to 255 grey levels; asked as early.
void check_noise(double sigma);

/// Throws InputError as check_clip() does, and for a video of fewer than 2 frames. `progress` may
/// be empty.
Clip load_clip(const ClipRequest& request, const std::function<void(double)>& progress = {});

/// The film of load_clip() as a label task: one token per 16x16 pixels of the film at twice the
/// clip's size and per clip frame, features.h as features, the character of most of a token's
/// pixels as label (none has half: background).
LabelTask film_label_task(const ClipRequest& request, int64_t known_frames,
                          const std::function<void(double)>& progress = {});

/// White Gaussian noise of `sigma` grey levels on every channel: 32FC3, neither rounded nor
/// clipped. The same for the same seed, whatever the content.
std::vector<cv::Mat> add_noise(const std::vector<cv::Mat>& frames, double sigma, uint64_t seed);

/// Rounded and clipped to 8UC3.
std::vector<cv::Mat> to_8_bit(const std::vector<cv::Mat>& frames);

/// Writes 8UC3 frames without loss (FFV1 in .avi or .mkv), so that the file can be measured again.
/// Throws InputError as VideoFile does.
void write_lossless(const std::string& path, const std::vector<cv::Mat>& frames, double fps);

}  // namespace vidattn
