#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/io/json_reader.h"

namespace vidattn {

/// What a clip looks like, measured: what can be said of it without a model that describes.
struct ClipLook {
  double motion = 0;         ///< mean length of the optical flow, diagonals of the frame per second
  double pan = 0, tilt = 0;  ///< of the camera: frame widths and heights per second, right and down
  double zoom = 0;           ///< relative growth of the picture per second
  double brightness = 0;     ///< mean luma, 0 to 1
  std::vector<std::string> colours;  ///< by name, most first, at most three
  int64_t pairs = 0;                 ///< of frames, that motion was measured on

  std::string motion_word() const;  ///< still, slow, moderate, fast
  std::string camera_word() const;  ///< "static", "pans left, zooms in"
  std::string light_word() const;   ///< dark, medium, bright
  /// "A slow shot of 4.2 s. The camera pans left. Colours: blue, grey. Dark."
  std::string sentence(double seconds) const;
};

/// With the words beside the figures: what a manifest has as tags.
nlohmann::json to_json(const ClipLook& look);
ClipLook read_clip_look(const JsonReader& json);

}  // namespace vidattn
