#include "harness/probes/side_by_side.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

constexpr int kCaption = 22, kGap = 4, kIndent = 2;  // pixels
constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kStrength = 4, kMiddle = 128;

/// Size of letters at which the text fits into `width` pixels, as far as it can still be read.
double letters(const std::string& text, int width) {
  constexpr double kLargest = 0.42, kReadable = 0.3;
  int baseline = 0;
  const int needed = cv::getTextSize(text, kFont, kLargest, 1, &baseline).width;
  return std::clamp(kLargest * width / std::max(needed, 1), kReadable, kLargest);
}

cv::Mat difference(const cv::Mat& picture, const cv::Mat& reference) {
  cv::Mat result;
  cv::addWeighted(picture, kStrength, reference, -kStrength, kMiddle, result);
  return result;
}

}  // namespace

cv::Mat side_by_side(const std::vector<Panel>& panels, int columns) {
  const cv::Size size = panels.at(0).picture.size();
  const int cell_width = size.width + kGap, cell_height = kCaption + 2 * (size.height + kGap);
  const int count = static_cast<int>(panels.size());
  const int rows = (count + columns - 1) / columns;
  cv::Mat sheet(rows * cell_height, std::min(count, columns) * cell_width, CV_8UC3,
                cv::Scalar::all(255));
  for (int i = 0; i < count; ++i) {
    const cv::Point corner(i % columns * cell_width, i / columns * cell_height);
    // In a part of its own, so that a long caption does not run into the next panel.
    cv::Mat caption = sheet({corner, cv::Size(size.width, kCaption)});
    cv::putText(caption, panels[i].caption, {kIndent, kCaption - 7}, kFont,
                letters(panels[i].caption, size.width - 2 * kIndent), cv::Scalar::all(0), 1,
                cv::LINE_AA);
    panels[i].picture.copyTo(sheet({corner + cv::Point(0, kCaption), size}));
    if (i > 0)
      difference(panels[i].picture, panels[0].picture)
          .copyTo(sheet({corner + cv::Point(0, kCaption + size.height + kGap), size}));
  }
  return sheet;
}

}  // namespace vidattn
