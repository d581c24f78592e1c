#include "harness/curate/source/logos.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "metrics/shots/shrink.h"

namespace vidattn {
namespace {

const cv::Size kLooked(640, 640);
constexpr double kLeastChange = 6;        // grey levels from frame to frame, on average
constexpr double kLeastGradient = 4;      // grey levels per pixel
constexpr double kLeastFrameShare = 0.9;  // of the frames that the gradient is strong in
constexpr double kLeastCoherence = 0.8;   // |sum of gradients| / sum of their lengths
// Of n unrelated gradients it is above r with a probability of about exp(-n r²) (Rayleigh), of such
// along one line exp(-n r²/2).
constexpr double kLeastEvidence = 14;  // n r²
constexpr double kMostStill = 0.04;    // share of the picture
constexpr double kMostBox = 0.1;       // share of the picture
constexpr int kLeastPixels = 30;
constexpr int kEdge = 6;  // pixels beside the picture's edge, which stands still, too

}  // namespace

void LogoFinder::add(const cv::Mat& luma) {
  size_ = luma.size();
  const cv::Mat small = shrink_to_fit(luma, kLooked, cv::INTER_AREA);
  const auto pixels = static_cast<double>(small.total());
  if (!before_.empty() && cv::norm(small, before_, cv::NORM_L1) < kLeastChange * pixels) return;
  small.copyTo(before_);
  constexpr double kPerPixel = 1.0 / 8;  // of Sobel's kernel
  cv::Mat x, y, length, strong;
  cv::Sobel(small, x, CV_32F, 1, 0, 3, kPerPixel);
  cv::Sobel(small, y, CV_32F, 0, 1, 3, kPerPixel);
  cv::magnitude(x, y, length);
  cv::threshold(length, strong, kLeastGradient, 1, cv::THRESH_BINARY);
  if (frames_++ == 0) {
    sum_x_ = x, sum_y_ = y, sum_ = length, strong_ = strong;
    return;
  }
  sum_x_ += x;
  sum_y_ += y;
  sum_ += length;
  strong_ += strong;
}

cv::Mat LogoFinder::persistent() const {
  cv::Mat together;
  cv::magnitude(sum_x_, sum_y_, together);
  const cv::Mat often = strong_ >= kLeastFrameShare * frames_;
  const double least = std::max(kLeastCoherence, std::sqrt(kLeastEvidence / frames_));
  const cv::Mat coherent = together >= least * sum_;
  return often & coherent;
}

std::vector<cv::Rect> LogoFinder::boxes(const cv::Rect& area) const {
  if (frames_ < kLeastFrames) return {};
  const cv::Mat all = persistent();
  const double scale = static_cast<double>(size_.width) / all.cols;
  const cv::Rect small(cvRound(area.x / scale) + kEdge, cvRound(area.y / scale) + kEdge,
                       cvRound(area.width / scale) - 2 * kEdge,
                       cvRound(area.height / scale) - 2 * kEdge);
  const cv::Rect inside = small & cv::Rect({0, 0}, all.size());
  if (inside.empty()) return {};
  cv::Mat still = cv::Mat::zeros(all.size(), CV_8U);
  all(inside).copyTo(still(inside));
  if (cv::countNonZero(still) > kMostStill * inside.area()) return {};
  cv::Mat joined, labels, figures, centres;
  cv::dilate(still, joined, cv::getStructuringElement(cv::MORPH_RECT, {13, 9}));
  const int count = cv::connectedComponentsWithStats(joined, labels, figures, centres);
  std::vector<cv::Rect> boxes;
  for (int i = 1; i < count; ++i) {
    const int* figure = figures.ptr<int>(i);
    const cv::Rect box(figure[cv::CC_STAT_LEFT], figure[cv::CC_STAT_TOP], figure[cv::CC_STAT_WIDTH],
                       figure[cv::CC_STAT_HEIGHT]);
    const cv::Mat own = still(box) & (labels(box) == i);
    if (cv::countNonZero(own) < kLeastPixels || box.area() > kMostBox * inside.area()) continue;
    const cv::Rect full(cvFloor(box.x * scale), cvFloor(box.y * scale), cvCeil(box.width * scale),
                        cvCeil(box.height * scale));
    boxes.push_back(full & cv::Rect({0, 0}, size_));
  }
  return boxes;
}

}  // namespace vidattn
