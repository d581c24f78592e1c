#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// Latent video positions of a token sequence. Token (t, y, x) has index (t*height + y)*width + x;
/// text tokens, if any, follow all video tokens.
struct VideoGrid {
  int64_t frames = 0, height = 0, width = 0;
  std::vector<int64_t> shots = {0};  ///< first latent frame of every shot, ascending from 0
  int64_t text_tokens = 0;

  int64_t frame_size() const { return height * width; }
  int64_t video_tokens() const { return frames * frame_size(); }
  int64_t tokens() const { return video_tokens() + text_tokens; }
  int64_t token(int64_t t, int64_t y, int64_t x) const { return (t * height + y) * width + x; }
  /// True when the grid was given; methods that need positions refuse an empty one.
  bool known() const { return frames > 0; }

  /// Throws InputError unless sizes are positive and shots ascend from 0 inside the frames.
  void validate() const;
};

/// Throws InputError unless `shots` ascends strictly from 0 and stays below `frames`.
void validate_shots(const std::vector<int64_t>& shots, int64_t frames);

}  // namespace vidattn
