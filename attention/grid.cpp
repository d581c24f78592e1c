#include "attention/grid.h"

#include <string>

#include "attention/error.h"

namespace vidattn {

void VideoGrid::validate() const {
  if (frames <= 0 || height <= 0 || width <= 0 || text_tokens < 0)
    throw InputError("grid " + std::to_string(frames) + "," + std::to_string(height) + "," +
                     std::to_string(width) + " is impossible: all three must be positive");
  constexpr int64_t kMaxTokens = int64_t{1} << 31;  // plans index tokens with 32 bits
  if (frames >= kMaxTokens || height >= kMaxTokens || width >= kMaxTokens ||
      height * width >= kMaxTokens || frames * (height * width) + text_tokens >= kMaxTokens)
    throw InputError("grid is too large: at most 2^31-1 tokens");
  validate_shots(shots, frames);
}

void validate_shots(const std::vector<int64_t>& shots, int64_t frames) {
  if (shots.empty() || shots.front() != 0) throw InputError("shots must start with frame 0");
  for (size_t i = 1; i < shots.size(); ++i)
    if (shots[i] <= shots[i - 1])
      throw InputError("shots must ascend: " + std::to_string(shots[i]) + " follows " +
                       std::to_string(shots[i - 1]));
  if (shots.back() >= frames)
    throw InputError("shot start " + std::to_string(shots.back()) + " is outside the " +
                     std::to_string(frames) + " frames");
}

}  // namespace vidattn
