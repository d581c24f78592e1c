#include "harness/curate/output/contact_sheet.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "metrics/shots/shrink.h"

namespace vidattn {
namespace {

const cv::Size kOnSheet(240, 240);
constexpr int kAcross = 4, kGap = 4;

}  // namespace

ContactSheet::ContactSheet(int64_t frames) {
  const int64_t count = std::min(frames, kPictures);
  for (int64_t i = 0; i < count; ++i) wanted_.push_back((2 * i + 1) * frames / (2 * count));
}

bool ContactSheet::wants(int64_t frame) const {
  return std::binary_search(wanted_.begin(), wanted_.end(), frame);
}

void ContactSheet::add(const cv::Mat& frame) {
  pictures_.push_back(shrink_to_fit(frame, kOnSheet, cv::INTER_AREA).clone());
}

cv::Mat ContactSheet::picture() const {
  if (pictures_.empty()) return {};
  const cv::Size one = pictures_.front().size(), step(one.width + kGap, one.height + kGap);
  const auto count = static_cast<int>(pictures_.size());
  const int across = std::min(count, kAcross), down = (count + across - 1) / across;
  cv::Mat sheet(down * step.height - kGap, across * step.width - kGap, CV_8UC3, cv::Scalar::all(0));
  for (int i = 0; i < count; ++i) {
    const cv::Point at(i % across * step.width, i / across * step.height);
    pictures_[static_cast<size_t>(i)].copyTo(sheet(cv::Rect(at, one)));
  }
  return sheet;
}

}  // namespace vidattn
