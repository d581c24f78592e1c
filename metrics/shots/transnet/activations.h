#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace vidattn {

/// What a layer gives: float32 [frames, height + 1, width, channels]. Below every frame lies a row
/// that convolutions take for zeros: it pads that frame and the one behind it. The memory of an
/// earlier, larger shape is kept, for that of a whole window is slow to get.
struct Activations {
  int64_t frames = 0, height = 0, width = 0, channels = 0;
  std::vector<float> values = {};

  /// Another shape; the values are undefined.
  void reshape(int64_t new_frames, int64_t new_height, int64_t new_width, int64_t new_channels) {
    frames = new_frames, height = new_height, width = new_width, channels = new_channels;
    const auto size = static_cast<size_t>(frames * (height + 1) * row());
    if (values.size() < size) values.resize(size);
  }
  int64_t row() const { return width * channels; }
  float* frame(int64_t t) { return values.data() + t * (height + 1) * row(); }
  const float* frame(int64_t t) const { return values.data() + t * (height + 1) * row(); }
};

}  // namespace vidattn
