#include "harness/report/pictures.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "attention/reference.h"
#include "harness/workloads/media/picture.h"

namespace vidattn {
namespace {

constexpr int kTokenPixels = 6;  // side of a token in the pictures of frames
constexpr int kGap = 4;          // between two frames
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

/// Frames side by side, a token's pixels filled by `colour(token)`.
template <class Colour>
cv::Mat frames_picture(const VideoGrid& grid, const std::vector<int64_t>& latent,
                       const std::vector<cv::Mat>& backgrounds, double strength, Colour colour) {
  const int height = static_cast<int>(grid.height) * kTokenPixels,
            width = static_cast<int>(grid.width) * kTokenPixels;
  const int count = static_cast<int>(latent.size());
  cv::Mat picture(height, count * (width + kGap) - kGap, CV_8UC3, cv::Scalar::all(255));
  for (int f = 0; f < count; ++f) {
    cv::Mat tokens(static_cast<int>(grid.height), static_cast<int>(grid.width), CV_8UC3);
    for (int y = 0; y < tokens.rows; ++y)
      for (int x = 0; x < tokens.cols; ++x)
        tokens.at<cv::Vec3b>(y, x) = colour(grid.token(latent[f], y, x));
    cv::Mat frame;
    cv::resize(tokens, frame, {width, height}, 0, 0, cv::INTER_NEAREST);
    if (!backgrounds.empty()) {
      cv::Mat background, grey;
      cv::resize(backgrounds[f], background, {width, height}, 0, 0, cv::INTER_AREA);
      cv::cvtColor(background, grey, cv::COLOR_BGR2GRAY);
      cv::cvtColor(grey, grey, cv::COLOR_GRAY2BGR);
      cv::addWeighted(frame, strength, grey, 1 - strength, 0, frame);
    }
    frame.copyTo(picture(cv::Rect(f * (width + kGap), 0, width, height)));
  }
  return picture;
}

/// Segment of every token in the first branch; -1 for none. Empty when they tell nothing.
std::vector<int32_t> segment_of_tokens(const Plan& plan, const Inputs& in, int64_t head) {
  const Branch& branch = plan.branches.front();
  const HeadTable& table = branch.table(head, in.heads());
  if (branch.repeats_queries || branch.prepared.q || table.segments.size() < 2) return {};
  std::vector<int32_t> of(in.length(), -1);
  for (size_t s = 0; s < table.segments.size(); ++s)
    for (int64_t p = table.segments[s].query_begin; p < table.segments[s].query_end; ++p)
      of[table.query_row(p)] = static_cast<int32_t>(s);
  return of;
}

}  // namespace

cv::Mat mask_picture(const Plan& plan, const Inputs& in, int64_t head, int side) {
  const int64_t length = in.length();
  const auto n = static_cast<int>(std::min<int64_t>(side, length));
  const auto bin = [&](int64_t token) { return static_cast<int>(token * n / length); };
  std::vector<double> size(n, 0);
  for (int64_t token = 0; token < length; ++token) ++size[bin(token)];
  cv::Mat picture(n, n, CV_8UC1);
  for (int row = 0; row < n; ++row) {
    std::vector<double> seen(n, 0);
    const int64_t first = (row * length + n - 1) / n;
    const auto rows = static_cast<int64_t>(size[row]);
    const int64_t queries = std::min<int64_t>(kQueriesPerRow, rows);
    for (int64_t i = 0; i < queries; ++i)
      for (int64_t key : keys_of(plan, in, first + i * rows / queries, head)) ++seen[bin(key)];
    for (int column = 0; column < n; ++column)
      picture.at<uchar>(row, column) = cv::saturate_cast<uchar>(
          255 * seen[column] / (size[column] * static_cast<double>(queries)));
  }
  return picture;
}

cv::Mat segment_picture(const Plan& plan, const Inputs& in, int64_t head,
                        const std::vector<int64_t>& latent,
                        const std::vector<cv::Mat>& backgrounds) {
  const auto segments = segment_of_tokens(plan, in, head);
  if (segments.empty()) return {};
  constexpr double kStrength = 0.6;
  return frames_picture(in.grid, latent, backgrounds, kStrength, [&](int64_t token) {
    return segments[token] < 0 ? kUncovered : colour_of(segments[token]);
  });
}

cv::Mat visible_picture(const Plan& plan, const Inputs& in, int64_t head, int64_t query,
                        const std::vector<int64_t>& latent,
                        const std::vector<cv::Mat>& backgrounds) {
  std::vector<bool> visible(in.length(), false);
  for (int64_t key : keys_of(plan, in, query, head)) visible[key] = true;
  const cv::Vec3b shown(60, 200, 255), hidden(40, 30, 25), marked(60, 20, 255);
  constexpr double kStrength = 0.65;
  return frames_picture(in.grid, latent, backgrounds, kStrength, [&](int64_t token) {
    return token == query ? marked : visible[token] ? shown : hidden;
  });
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
  const std::vector<uint8_t> file = mask ? png_of(picture) : jpeg_of(picture);
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text = mask ? "data:image/png;base64," : "data:image/jpeg;base64,";
  for (size_t i = 0; i < file.size(); i += 3) {
    const size_t left = std::min<size_t>(3, file.size() - i);
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < left ? file[i + j] : 0);
    for (size_t j = 0; j < 4; ++j) text += j <= left ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

}  // namespace vidattn
