#include "harness/curate/crop/largest_crop.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

namespace vidattn {
namespace {

/// Squared distance of the centres, times four.
int64_t off_centre(const cv::Rect& crop, cv::Size frame) {
  const int64_t dx = 2 * int64_t{crop.x} + crop.width - frame.width;
  const int64_t dy = 2 * int64_t{crop.y} + crop.height - frame.height;
  return dx * dx + dy * dy;
}

bool is_free(const cv::Rect& crop, const std::vector<cv::Rect>& boxes) {
  return std::none_of(boxes.begin(), boxes.end(),
                      [&](const cv::Rect& box) { return !(crop & box).empty(); });
}

/// Where a crop of `side` may begin along one axis of `length`: at both ends, in the middle, and
/// where a box from .first to .second stops it on either side.
std::vector<int> starts_along(int length, int side, const std::vector<std::pair<int, int>>& stops) {
  std::vector<int> starts = {0, length - side, (length - side) / 2};
  for (const auto& [from, to] : stops) {
    starts.push_back(to);
    starts.push_back(from - side);
  }
  std::erase_if(starts, [&](int start) { return start < 0 || start > length - side; });
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  return starts;
}

/// The free place nearest to the centre.
std::optional<cv::Rect> place_of(cv::Size frame, cv::Size crop,
                                 const std::vector<cv::Rect>& boxes) {
  std::vector<std::pair<int, int>> columns, rows;
  for (const cv::Rect& box : boxes) {
    columns.emplace_back(box.x, box.x + box.width);
    rows.emplace_back(box.y, box.y + box.height);
  }
  std::optional<cv::Rect> best;
  const std::vector<int> xs = starts_along(frame.width, crop.width, columns);
  for (const int y : starts_along(frame.height, crop.height, rows))
    for (const int x : xs) {
      const cv::Rect place({x, y}, crop);
      if (best && off_centre(place, frame) >= off_centre(*best, frame)) continue;
      if (is_free(place, boxes)) best = place;
    }
  return best;
}

}  // namespace

int crop_width(cv::Size frame, int height) {
  const double half = 0.5 * height * frame.width / frame.height;
  return std::min(2 * static_cast<int>(std::lround(half)), frame.width / 2 * 2);
}

cv::Rect largest_crop(cv::Size frame, const std::vector<cv::Rect>& boxes) {
  std::vector<cv::Rect> inside;
  for (const cv::Rect& box : boxes)
    if (const cv::Rect part = box & cv::Rect({0, 0}, frame); !part.empty()) inside.push_back(part);
  cv::Rect best;
  for (int low = 0, high = frame.height / 2; low < high;) {  // halves of the height
    const int middle = (low + high + 1) / 2;
    const cv::Size side(crop_width(frame, 2 * middle), 2 * middle);
    const auto place = side.width > 0 ? place_of(frame, side, inside) : std::nullopt;
    if (place) best = *place;
    const bool larger = place || side.width == 0;  // no width is room enough, but nothing to take
    (larger ? low : high) = larger ? middle : middle - 1;
  }
  return best;
}

}  // namespace vidattn
