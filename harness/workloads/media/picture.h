#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>

namespace vidattn {

/// Pixels of the largest picture or frame that is read: four times 8K. What a file claims is held
/// against it before memory is asked for.
inline constexpr int64_t kMostPixels = int64_t{1} << 27;

/// A picture as 8UC3, BGR. Throws InputError naming the file when it is missing, damaged, no
/// picture, or too large; OpenCV's and its libraries' own messages are kept off the terminal.
cv::Mat read_picture(const std::string& path);

}  // namespace vidattn
