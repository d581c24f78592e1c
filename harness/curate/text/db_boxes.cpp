#include "harness/curate/text/db_boxes.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

constexpr double kInText = 0.3, kLeastScore = 0.5, kUnclip = 1.6;
constexpr size_t kMostContours = 1000;
constexpr float kLeastSide = 3, kLeastGrownSide = 5;  // of the map
constexpr int kLeastPixels = 3;                       // of the frame: more than so many

using Corners = std::array<cv::Point2f, 4>;

/// The smallest rectangle around points, and its shorter side.
struct SmallestRectangle {
  Corners corners;
  float side = 0;
};

/// Corners from the upper left one clockwise: the two leftmost, of which the upper comes first, and
/// the two rightmost between them.
SmallestRectangle smallest_rectangle(const std::vector<cv::Point>& points) {
  const cv::RotatedRect rectangle = cv::minAreaRect(points);
  Corners p;
  rectangle.points(p.data());
  std::stable_sort(p.begin(), p.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
  if (p[1].y <= p[0].y) std::swap(p[0], p[1]);
  if (p[3].y <= p[2].y) std::swap(p[2], p[3]);
  return {{p[0], p[2], p[3], p[1]}, std::min(rectangle.size.width, rectangle.size.height)};
}

/// Mean of the map in a rectangle.
double mean_in(const cv::Mat& map, const Corners& corners) {
  const auto [left, right] = std::minmax({corners[0].x, corners[1].x, corners[2].x, corners[3].x});
  const auto [top, bottom] = std::minmax({corners[0].y, corners[1].y, corners[2].y, corners[3].y});
  const auto column = [&](float x) { return std::clamp(static_cast<int>(x), 0, map.cols - 1); };
  const auto row = [&](float y) { return std::clamp(static_cast<int>(y), 0, map.rows - 1); };
  const cv::Point first(column(std::floor(left)), row(std::floor(top)));
  const cv::Point last(column(std::ceil(right)), row(std::ceil(bottom)));
  std::vector<cv::Point> polygon;
  for (const cv::Point2f& corner : corners)
    polygon.emplace_back(static_cast<int>(corner.x - static_cast<float>(first.x)),
                         static_cast<int>(corner.y - static_cast<float>(first.y)));
  cv::Mat inside = cv::Mat::zeros(last.y - first.y + 1, last.x - first.x + 1, CV_8UC1);
  cv::fillPoly(inside, std::vector<std::vector<cv::Point>>{polygon}, 1);
  return cv::mean(map({first, last + cv::Point(1, 1)}), inside)[0];
}

/// A rectangle, its corners cut to whole pixels, grown by what unclips it.
std::vector<cv::Point> unclipped(const Corners& corners) {
  double area = 0, perimeter = 0;
  std::vector<cv::Point> polygon;
  for (size_t i = 0; i < corners.size(); ++i) {
    const cv::Point2d a = corners[i], b = corners[(i + 1) % corners.size()];
    area += a.cross(b) / 2;
    perimeter += cv::norm(b - a);
    polygon.emplace_back(static_cast<int>(a.x), static_cast<int>(a.y));
  }
  return grown_round(polygon, std::abs(area) * kUnclip / perimeter);
}

/// Scaled to the frame, ordered anew and held within it; nothing where too little is left.
bool to_frame(Corners corners, cv::Size map, cv::Size frame, TextQuad& quad) {
  const auto scaled = [](float at, int from, int to) {
    const float value = at / static_cast<float>(from) * static_cast<float>(to);
    return std::clamp(static_cast<int>(std::nearbyint(value)), 0, to);
  };
  std::array<cv::Point, 4> p;
  for (size_t i = 0; i < p.size(); ++i)
    p[i] = {scaled(corners[i].x, map.width, frame.width),
            scaled(corners[i].y, map.height, frame.height)};
  std::stable_sort(p.begin(), p.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
  if (p[1].y < p[0].y) std::swap(p[0], p[1]);
  if (p[3].y < p[2].y) std::swap(p[2], p[3]);
  quad.corners = {p[0], p[2], p[3], p[1]};
  for (cv::Point& corner : quad.corners)
    corner = {std::min(corner.x, frame.width - 1), std::min(corner.y, frame.height - 1)};
  const auto length = [&](size_t to) {
    return static_cast<int>(cv::norm(quad.corners[0] - quad.corners[to]));
  };
  return length(1) > kLeastPixels && length(3) > kLeastPixels;
}

}  // namespace

std::vector<TextQuad> db_boxes(const cv::Mat& probability, cv::Size size) {
  cv::Mat text;
  cv::dilate(probability > kInText, text, cv::Mat::ones(2, 2, CV_8UC1));
  std::vector<std::vector<cv::Point>> contours;
  cv::findContours(text, contours, cv::RETR_LIST, cv::CHAIN_APPROX_SIMPLE);
  if (contours.size() > kMostContours) contours.resize(kMostContours);
  std::vector<TextQuad> quads;
  for (const auto& contour : contours) {
    const SmallestRectangle core = smallest_rectangle(contour);
    if (core.side < kLeastSide) continue;
    TextQuad quad{.score = mean_in(probability, core.corners)};
    if (quad.score < kLeastScore) continue;
    const SmallestRectangle whole = smallest_rectangle(unclipped(core.corners));
    if (whole.side < kLeastGrownSide) continue;
    if (to_frame(whole.corners, probability.size(), size, quad)) quads.push_back(quad);
  }
  return quads;
}

std::vector<cv::Point> grown_round(const std::vector<cv::Point>& polygon, double distance) {
  constexpr double kTolerance = 0.25;
  const double tolerance = std::min(kTolerance, distance * kTolerance);
  const double full_turn =
      std::min(std::numbers::pi / std::acos(1 - tolerance / distance), distance * std::numbers::pi);
  std::vector<cv::Point> corners;
  for (const cv::Point& point : polygon)
    if (corners.empty() || point != corners.back()) corners.push_back(point);
  if (corners.size() > 1 && corners.front() == corners.back()) corners.pop_back();
  const size_t n = corners.size();
  if (n < 3) return polygon;
  const auto normal = [&](size_t i) {
    const cv::Point2d along = corners[(i + 1) % n] - corners[i];
    return cv::Point2d(along.y, -along.x) / cv::norm(along);
  };
  std::vector<cv::Point> grown;
  const auto put = [&](const cv::Point& corner, const cv::Point2d& towards) {
    grown.emplace_back(static_cast<int>(std::lround(corner.x + towards.x * distance)),
                       static_cast<int>(std::lround(corner.y + towards.y * distance)));
  };
  for (size_t i = 0; i < n; ++i) {
    cv::Point2d towards = normal((i + n - 1) % n);
    const cv::Point2d to = normal(i);
    const double angle = std::atan2(towards.cross(to), towards.dot(to));
    const double turn = 2 * std::numbers::pi / full_turn;
    const auto steps = std::max<int64_t>(std::llround(std::abs(angle) / turn), 1);
    for (int64_t step = 0; step < steps; ++step) {
      put(corners[i], towards);
      towards = {towards.x * std::cos(turn) - towards.y * std::sin(turn),
                 towards.x * std::sin(turn) + towards.y * std::cos(turn)};
    }
    put(corners[i], to);
  }
  return grown;
}

}  // namespace vidattn
