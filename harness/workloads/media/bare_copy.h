#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "harness/workloads/media/orientation.h"

namespace vidattn {

/// What a copied video is like.
struct VideoFacts {
  int64_t width = 0, height = 0;
  PixelAspect pixel_aspect = {};  ///< as stored
  bool transposed = false;        ///< when it is shown
  double fps = 0, seconds = 0;    ///< by the header; 0 = it does not say
  bool sound = false;
  /// FFmpeg's names of the pictures' codec and pixel format.
  std::string codec, pixels;
};

/// Copies a video's pictures and sound, packet by packet and unchanged, into a new file of the
/// target's ending (.mp4, .webm), and nothing else: no title, comment, date, encoder's name,
/// chapter, cover or further track of the container. What an encoder wrote into the pictures
/// themselves stays. The file appears under its name only when complete. Throws InputError when the
/// video cannot be read, or the target not be written or not hold the codecs.
VideoFacts copy_bare(const std::string& video, const std::filesystem::path& target);

}  // namespace vidattn
