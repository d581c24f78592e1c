#include "metrics/video/descriptors/hsv_lbp_vlad.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <span>

#include "metrics/shots/shrink.h"
#include "metrics/video/descriptors/dense_sift.h"
#include "metrics/video/feature_metrics.h"

namespace vidattn {
namespace {

constexpr int kSide = 160;  // pixels of the shorter side
constexpr int kHues = 16, kSaturations = 4, kBrightnesses = 4;
constexpr int kColours = kHues * kSaturations * kBrightnesses, kPatterns = 59, kSift = 128;
constexpr int kFeatureLength = kColours + kPatterns + kSiftWords * kSift;
// Shares of the cosine. Colour tells more of identity across shots than texture and shape do.
constexpr float kColourShare = 0.5f, kPatternShare = 0.25f, kShapeShare = 0.25f;

/// What is common to all regions of a frame.
struct Codes {
  cv::Mat colour, pattern;  ///< 8UC1: bin of every pixel
  DenseSift sift;
  std::vector<int> words;  ///< nearest word of every descriptor
};

cv::Mat shrink(const cv::Mat& frame) {
  const double factor = static_cast<double>(kSide) / std::min(frame.rows, frame.cols);
  if (factor >= 1) return frame;
  cv::Mat small;
  cv::resize(frame, small,
             {std::max(kSide, cvRound(frame.cols * factor)),
              std::max(kSide, cvRound(frame.rows * factor))},
             0, 0, cv::INTER_AREA);
  return small;
}

cv::Mat colour_codes(const cv::Mat& bgr) {
  cv::Mat hsv, codes(bgr.size(), CV_8UC1);
  cv::cvtColor(bgr, hsv, cv::COLOR_BGR2HSV_FULL);
  for (int y = 0; y < hsv.rows; ++y)
    for (int x = 0; x < hsv.cols; ++x) {
      const auto& p = hsv.at<cv::Vec3b>(y, x);
      codes.at<uint8_t>(y, x) = static_cast<uint8_t>((p[0] / 16 * 4 + p[1] / 64) * 4 + p[2] / 64);
    }
  return codes;
}

/// Bin of each of the 256 patterns: those with at most two changes around the circle have their
/// own, all others share the last.
std::array<uint8_t, 256> uniform_bins() {
  std::array<uint8_t, 256> bins{};
  uint8_t next = 0;
  for (unsigned p = 0; p < 256; ++p) {
    int changes = 0;
    for (unsigned i = 0; i < 8; ++i) changes += ((p >> i) & 1) != ((p >> ((i + 1) % 8)) & 1);
    bins[p] = changes <= 2 ? next++ : kPatterns - 1;
  }
  return bins;
}

cv::Mat pattern_codes(const cv::Mat& grey) {
  static const std::array<uint8_t, 256> kBins = uniform_bins();
  cv::Mat padded, codes(grey.size(), CV_8UC1);
  cv::copyMakeBorder(grey, padded, 1, 1, 1, 1, cv::BORDER_REPLICATE);
  for (int y = 0; y < grey.rows; ++y) {
    const uint8_t *above = padded.ptr(y), *row = padded.ptr(y + 1), *below = padded.ptr(y + 2);
    for (int x = 0; x < grey.cols; ++x) {
      const uint8_t c = row[x + 1];
      const unsigned pattern = (above[x] >= c) | (above[x + 1] >= c) << 1 |
                               (above[x + 2] >= c) << 2 | (row[x + 2] >= c) << 3 |
                               (below[x + 2] >= c) << 4 | (below[x + 1] >= c) << 5 |
                               (below[x] >= c) << 6 | (row[x] >= c) << 7;
      codes.at<uint8_t>(y, x) = kBins[pattern];
    }
  }
  return codes;
}

/// Unit vectors all, so the nearest word has the largest 2 <x,c> - |c|^2.
std::vector<int> nearest_words(const cv::Mat& descriptors) {
  const cv::Mat& words = sift_vocabulary();
  if (descriptors.empty()) return {};
  cv::Mat lengths, score = 2 * descriptors * words.t();
  cv::reduce(words.mul(words), lengths, 1, cv::REDUCE_SUM);
  std::vector<int> nearest;
  for (int i = 0; i < score.rows; ++i) {
    score.row(i) -= lengths.t();
    const float* row = score.ptr<float>(i);
    nearest.push_back(static_cast<int>(std::max_element(row, row + kSiftWords) - row));
  }
  return nearest;
}

Codes encode(const cv::Mat& frame) {
  const cv::Mat small = shrink(shrink_to_fit(frame, {kLongestSide, kLongestSide}, cv::INTER_AREA));
  cv::Mat grey;
  cv::cvtColor(small, grey, cv::COLOR_BGR2GRAY);
  Codes codes{colour_codes(small), pattern_codes(grey), dense_sift(grey), {}};
  codes.words = nearest_words(codes.sift.descriptors);
  return codes;
}

/// Scales to the given length; a vector of zeros stays.
void set_length(std::span<float> values, float length) {
  double square = 0;
  for (const float v : values) square += static_cast<double>(v) * v;
  if (square == 0) return;
  const auto gain = static_cast<float>(length / std::sqrt(square));
  for (float& v : values) v *= gain;
}

/// One bin of blur along every axis, circular in hue: a colour on the edge of a bin may fall to
/// either side.
void smooth(std::span<float> histogram) {
  const auto blur = [&](int bins, int stride, bool circular) {
    const std::vector<float> old(histogram.begin(), histogram.end());
    for (int i = 0; i < kColours; ++i) {
      const int bin = i / stride % bins;
      const auto at = [&](int other) {
        other = circular ? (other + bins) % bins : std::clamp(other, 0, bins - 1);
        return old[i + (other - bin) * stride];
      };
      histogram[i] = 0.25f * at(bin - 1) + 0.5f * old[i] + 0.25f * at(bin + 1);
    }
  };
  blur(kHues, kSaturations * kBrightnesses, true);
  blur(kSaturations, kBrightnesses, false);
  blur(kBrightnesses, 1, false);
}

void add_shape(const Codes& codes, const cv::Mat& mask, std::span<float> shape) {
  const cv::Mat& words = sift_vocabulary();
  for (size_t i = 0; i < codes.words.size(); ++i) {
    if (!mask.empty() && mask.at<uint8_t>(codes.sift.centres[i]) == 0) continue;
    const float* x = codes.sift.descriptors.ptr<float>(static_cast<int>(i));
    const float* c = words.ptr<float>(codes.words[i]);
    float* out = shape.data() + codes.words[i] * kSift;
    for (int d = 0; d < kSift; ++d) out[d] += x[d] - c[d];
  }
  for (int w = 0; w < kSiftWords; ++w) set_length(shape.subspan(w * kSift, kSift), 1);
}

Feature pool(const Codes& codes, const cv::Mat& region) {
  cv::Mat mask;
  if (!region.empty()) cv::resize(region, mask, codes.colour.size(), 0, 0, cv::INTER_NEAREST);
  Feature feature(kFeatureLength, 0);
  const auto all = std::span(feature);
  const auto colours = all.first(kColours), patterns = all.subspan(kColours, kPatterns);
  for (int y = 0; y < codes.colour.rows; ++y) {
    const uint8_t *colour = codes.colour.ptr(y), *pattern = codes.pattern.ptr(y);
    const uint8_t* inside = mask.empty() ? nullptr : mask.ptr(y);
    for (int x = 0; x < codes.colour.cols; ++x) {
      if (inside != nullptr && inside[x] == 0) continue;
      ++colours[colour[x]];
      ++patterns[pattern[x]];
    }
  }
  smooth(colours);
  for (float& v : all.first(kColours + kPatterns)) v = std::sqrt(v);
  add_shape(codes, mask, all.last(kSiftWords * kSift));
  set_length(colours, std::sqrt(kColourShare));
  set_length(patterns, std::sqrt(kPatternShare));
  set_length(all.last(kSiftWords * kSift), std::sqrt(kShapeShare));
  set_length(all, 1);  // a picture without gradients has no shape
  return feature;
}

}  // namespace

std::string HsvLbpVlad::protocol() const {
  return "hsv_lbp_vlad: HSV histogram, local binary patterns, dense SIFT VLAD of 32 words, shorter "
         "side 160";
}

std::vector<Feature> HsvLbpVlad::describe(const cv::Mat& frame,
                                          const std::vector<cv::Mat>& regions) const {
  const Codes codes = encode(frame);
  std::vector<Feature> features;
  for (const cv::Mat& region : regions) features.push_back(pool(codes, region));
  return features;
}

namespace {
const RegisterVideoMetric registered_vlad(20, [](const VideoInfo& video, int64_t frames_per_shot) {
  return std::make_unique<FeatureMetrics>(
      std::make_shared<HsvLbpVlad>(),
      FeatureScores{.consistency = {{"subject_consistency.hsv_lbp_vlad", Region::centre},
                                    {"background_consistency.hsv_lbp_vlad", Region::border}},
                    .cross_shot = "cross_shot.hsv_lbp_vlad",
                    .long_range = "long_range.hsv_lbp_vlad",
                    .frames_per_shot = frames_per_shot},
      video);
});
}  // namespace

}  // namespace vidattn
