#include "harness/workloads/token_labels.h"

#include <algorithm>
#include <stdexcept>

#include "harness/workloads/shots.h"

namespace vidattn {

TokenLabels::TokenLabels(const VideoGrid& grid) : grid_(grid), counts_(grid.frame_size()) {}

void TokenLabels::add(const cv::Mat& mask) {
  if (mask.type() != CV_8UC1 || mask.rows != grid_.height * kTokenPixels ||
      mask.cols != grid_.width * kTokenPixels)
    throw std::logic_error("token labels: the mask's size does not fit the grid");
  for (int y = 0; y < mask.rows; ++y) {
    const auto* row = mask.ptr<uint8_t>(y);
    for (int x = 0; x < mask.cols; ++x)
      ++counts_[grid_.token(0, y / kTokenPixels, x / kTokenPixels)][row[x]];
  }
  const int64_t latent = std::ssize(labels_) / grid_.frame_size();
  if (++frames_ == first_pixel_frame(latent + 1)) emit();
}

void TokenLabels::emit() {
  for (auto& token : counts_) {
    labels_.push_back(static_cast<uint8_t>(std::ranges::max_element(token) - token.begin()));
    token = {};
  }
}

std::vector<uint8_t> TokenLabels::finish() const {
  if (std::ssize(labels_) != grid_.video_tokens())
    throw std::logic_error("token labels: masks are missing");
  return labels_;
}

}  // namespace vidattn
