#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

/// Some of a sample's frames on one picture, in rows of four.
class ContactSheet {
 public:
  static constexpr int64_t kPictures = 12;

  /// Of a sample of so many frames, evenly spread.
  explicit ContactSheet(int64_t frames);

  bool wants(int64_t frame) const;
  void add(const cv::Mat& frame);
  /// 8UC3; empty where nothing was added.
  cv::Mat picture() const;

 private:
  std::vector<int64_t> wanted_;
  std::vector<cv::Mat> pictures_;
};

}  // namespace vidattn
