#include "harness/report/pictures.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "attention/reference.h"
#include "harness/io/text/base64.h"
#include "harness/workloads/media/picture.h"
#include "metrics/plan/groups/token_segments.h"
#include "metrics/shots/shrink.h"

namespace vidattn {
namespace {

constexpr int kShortSide = 512;   // pixels that a slide can show
constexpr int kPageWidth = 1920;  // pixels: the widest column of page.html and two thirds more
constexpr int kGap = 4;           // between two frames
constexpr int kQueriesPerRow = 3;
const cv::Vec3b kUncovered(90, 90, 90);

/// Well separated colours for any number of segments: the hue turns by the golden angle.
cv::Vec3b colour_of(int64_t segment) {
  constexpr double kGolden = 0.61803398875, kHues = 180;
  const auto hue =
      static_cast<uchar>(std::fmod(0.1 + kGolden * static_cast<double>(segment), 1) * kHues);
  const auto value = static_cast<uchar>(segment % 2 == 0 ? 235 : 190);
  cv::Mat3b pixel(1, 1, cv::Vec3b(hue, 170, value)), bgr;
  cv::cvtColor(pixel, bgr, cv::COLOR_HSV2BGR);
  return bgr(0, 0);
}

std::vector<int64_t> keys_of(const Plan& plan, const Inputs& in, int64_t token, int64_t head) {
  std::vector<int64_t> keys;
  for (const Branch& branch : plan.branches) {
    if (branch.prepared.k) continue;  // pooled keys are no tokens
    const auto seen = visible_keys(branch, in, token, head);
    keys.insert(keys.end(), seen.begin(), seen.end());
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

/// Pixels of a token's side with which a frame of these tokens can be shown.
int token_pixels(int64_t height, int64_t width) {
  const auto [shorter, longer] = std::minmax(height, width);
  return static_cast<int>(
      std::max<int64_t>(1, std::min((kShortSide + shorter - 1) / shorter, kLongestSide / longer)));
}

cv::Mat grey_of(const cv::Mat& picture) {
  cv::Mat grey;
  cv::cvtColor(picture, grey, cv::COLOR_BGR2GRAY);
  cv::cvtColor(grey, grey, cv::COLOR_GRAY2BGR);
  return grey;
}

/// What a token looks like: its colour, and how much of it covers the picture behind it, which is
/// grey there unless `in_colour`.
struct Look {
  cv::Vec3b colour;
  double strength;
  bool in_colour = false;
};

/// Fills a token's pixels of a frame, which shows the picture behind it.
void paint(cv::Mat frame, const cv::Mat& grey, const Look& look) {
  if (!look.in_colour) grey.copyTo(frame);
  frame.convertTo(frame, -1, 1 - look.strength);
  frame += look.strength * cv::Scalar(look.colour);
}

/// Frames side by side; `look(token)` is what each token looks like.
template <class LookOf>
cv::Mat frames_picture(const VideoGrid& grid, const std::vector<int64_t>& latent,
                       const std::vector<cv::Mat>& backgrounds, LookOf look) {
  const int side = token_pixels(grid.height, grid.width);
  const cv::Size size(static_cast<int>(grid.width) * side, static_cast<int>(grid.height) * side);
  const int count = static_cast<int>(latent.size());
  cv::Mat picture(size.height, count * (size.width + kGap) - kGap, CV_8UC3, cv::Scalar::all(255));
  for (int f = 0; f < count; ++f) {
    cv::Mat frame = picture(cv::Rect({f * (size.width + kGap), 0}, size));
    if (backgrounds.empty())
      frame = cv::Scalar::all(0);
    else
      cv::resize(backgrounds[f], frame, size, 0, 0, cv::INTER_AREA);
    const cv::Mat grey = grey_of(frame);
    for (int y = 0; y < grid.height; ++y)
      for (int x = 0; x < grid.width; ++x) {
        const cv::Rect area(x * side, y * side, side, side);
        Look token = look(grid.token(latent[f], y, x));
        if (backgrounds.empty()) token.strength = 1;
        paint(frame(area), grey(area), token);
      }
  }
  return picture;
}

/// Tokens in order, cut into at most `most` stretches of nearly equal length.
struct Stretches {
  int64_t length;
  int count;
  Stretches(int64_t length, int most)
      : length(length), count(static_cast<int>(std::min<int64_t>(most, length))) {}

  int of(int64_t token) const { return static_cast<int>(token * count / length); }
  /// First token of a stretch.
  int64_t first(int64_t stretch) const { return (stretch * length + count - 1) / count; }
};

}  // namespace

cv::Mat mask_picture(const Plan& plan, const Inputs& in, int64_t head, int side) {
  const Stretches down(in.length(), side), across(in.keys(), side);
  cv::Mat picture(down.count, across.count, CV_8UC1);
  for (int row = 0; row < down.count; ++row) {
    std::vector<double> seen(across.count, 0);
    const int64_t first = down.first(row), rows = down.first(row + 1) - first;
    const int64_t queries = std::min<int64_t>(kQueriesPerRow, rows);
    for (int64_t i = 0; i < queries; ++i)
      for (int64_t key : keys_of(plan, in, first + i * rows / queries, head))
        ++seen[across.of(key)];
    for (int column = 0; column < across.count; ++column) {
      const int64_t pairs = (across.first(column + 1) - across.first(column)) * queries;
      picture.at<uchar>(row, column) =
          cv::saturate_cast<uchar>(255 * seen[column] / static_cast<double>(pairs));
    }
  }
  return picture;
}

cv::Mat segment_picture(const Plan& plan, const Inputs& in, int64_t head,
                        const std::vector<int64_t>& latent,
                        const std::vector<cv::Mat>& backgrounds) {
  const auto segments = segment_of_tokens(plan, in, head);
  if (segments.empty()) return {};
  constexpr double kStrength = 0.55;
  return frames_picture(in.grid, latent, backgrounds, [&](int64_t token) -> Look {
    return {segments[token] < 0 ? kUncovered : colour_of(segments[token]), kStrength};
  });
}

cv::Mat visible_picture(const Plan& plan, const Inputs& in, int64_t head, int64_t query,
                        const std::vector<int64_t>& latent,
                        const std::vector<cv::Mat>& backgrounds) {
  std::vector<bool> visible(in.length(), false);
  for (int64_t key : keys_of(plan, in, query, head)) visible[key] = true;
  const cv::Vec3b shown(60, 200, 255), hidden(40, 30, 25), marked(60, 20, 255);
  return frames_picture(in.grid, latent, backgrounds, [&](int64_t token) -> Look {
    if (token == query) return {marked, 1};
    if (visible[token]) return {shown, 0.12, true};
    return {hidden, 0.8};
  });
}

cv::Mat enlarged(const cv::Mat& picture) {
  const int factor = token_pixels(picture.rows, picture.cols);
  cv::Mat larger;
  cv::resize(picture, larger, {}, factor, factor, cv::INTER_NEAREST);
  return larger;
}

cv::Mat on_page(const cv::Mat& picture) {
  const double factor = static_cast<double>(kPageWidth) / picture.cols;
  cv::Mat smaller;
  if (factor >= 1) return picture;
  cv::resize(picture, smaller, {}, factor, factor, cv::INTER_AREA);
  return smaller;
}

std::vector<int64_t> frames_to_show(const VideoGrid& grid) {
  constexpr size_t kMost = 4;
  std::vector<int64_t> frames = grid.shots;
  for (int64_t i = 0; frames.size() < kMost && i < static_cast<int64_t>(kMost); ++i) {
    const int64_t t = i * (grid.frames - 1) / (static_cast<int64_t>(kMost) - 1);
    if (std::find(frames.begin(), frames.end(), t) == frames.end()) frames.push_back(t);
  }
  std::sort(frames.begin(), frames.end());
  if (frames.size() > kMost) frames.resize(kMost);
  return frames;
}

std::string data_uri(const cv::Mat& picture) {
  const bool mask = picture.channels() == 1;
  const std::string kind = mask ? "data:image/png;base64," : "data:image/jpeg;base64,";
  return kind + base64(mask ? png_of(picture) : jpeg_of(picture));
}

}  // namespace vidattn
