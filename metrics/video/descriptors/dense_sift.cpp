#include "metrics/video/descriptors/dense_sift.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "attention/methods/kmeans.h"

namespace vidattn {
namespace {

constexpr int kCell = 4, kCells = 4, kOrientations = 8;
constexpr int kSiftPatch = kCell * kCells, kStep = 8, kLength = kCells * kCells * kOrientations;
constexpr float kClip = 0.2f;
// Least norm of the cells' summed gradients (grey levels), about what noise of two levels gives.
constexpr float kFlat = 60;

constexpr std::array<int16_t, kSiftWords* kLength> kVocabulary = {
#include "metrics/video/descriptors/sift_vocabulary.inc"
};
constexpr float kVocabularyScale = 1000;  // the file holds whole numbers

/// One plane per orientation: gradient magnitude, shared between the two nearest orientations, then
/// summed over each cell with the weights of linear interpolation.
std::array<cv::Mat, kOrientations> cell_planes(const cv::Mat& grey) {
  cv::Mat dx, dy, magnitude, angle;
  cv::Sobel(grey, dx, CV_32F, 1, 0, 1, 0.5);
  cv::Sobel(grey, dy, CV_32F, 0, 1, 1, 0.5);
  cv::cartToPolar(dx, dy, magnitude, angle);
  std::array<cv::Mat, kOrientations> planes;
  for (cv::Mat& plane : planes) plane = cv::Mat::zeros(grey.size(), CV_32F);
  for (int y = 0; y < grey.rows; ++y) {
    std::array<float*, kOrientations> rows;
    for (int i = 0; i < kOrientations; ++i) rows[i] = planes[i].ptr<float>(y);
    const float *strength = magnitude.ptr<float>(y), *direction = angle.ptr<float>(y);
    for (int x = 0; x < grey.cols; ++x) {
      const float bin = direction[x] * static_cast<float>(kOrientations / (2 * CV_PI));
      const int low = static_cast<int>(bin);
      const float share = bin - static_cast<float>(low);
      rows[low % kOrientations][x] += strength[x] * (1 - share);
      rows[(low + 1) % kOrientations][x] += strength[x] * share;
    }
  }
  const cv::Mat weights = (cv::Mat_<float>(1, 2 * kCell - 1) << 1, 2, 3, 4, 3, 2, 1) / kCell;
  for (cv::Mat& plane : planes)
    cv::sepFilter2D(plane, plane, CV_32F, weights, weights, {-1, -1}, 0, cv::BORDER_CONSTANT);
  return planes;
}

float norm(const float* values) {
  float sum = 0;
  for (int i = 0; i < kLength; ++i) sum += values[i] * values[i];
  return std::sqrt(sum);
}

/// Normalizes, clips, and takes the root; false for a flat patch.
bool finish(float* values) {
  const float length = norm(values);
  if (length < kFlat) return false;
  float sum = 0;
  for (int i = 0; i < kLength; ++i) sum += values[i] = std::min(values[i] / length, kClip);
  for (int i = 0; i < kLength; ++i) values[i] = std::sqrt(values[i] / sum);
  return true;
}

}  // namespace

DenseSift dense_sift(const cv::Mat& grey) {
  DenseSift sift;
  if (grey.rows < kSiftPatch || grey.cols < kSiftPatch) return sift;
  const auto planes = cell_planes(grey);
  const int rows = (grey.rows - kSiftPatch) / kStep + 1,
            columns = (grey.cols - kSiftPatch) / kStep + 1;
  cv::Mat all(rows * columns, kLength, CV_32F);
  for (int top = 0; top + kSiftPatch <= grey.rows; top += kStep)
    for (int left = 0; left + kSiftPatch <= grey.cols; left += kStep) {
      auto* values = all.ptr<float>(static_cast<int>(sift.centres.size()));
      for (int cell = 0; cell < kCells * kCells; ++cell) {
        const int y = top + cell / kCells * kCell + kCell / 2;
        const int x = left + cell % kCells * kCell + kCell / 2;
        for (int i = 0; i < kOrientations; ++i)
          values[cell * kOrientations + i] = planes[i].at<float>(y, x);
      }
      if (finish(values)) sift.centres.emplace_back(left + kSiftPatch / 2, top + kSiftPatch / 2);
    }
  sift.descriptors = all.rowRange(0, static_cast<int>(sift.centres.size()));
  return sift;
}

const cv::Mat& sift_vocabulary() {
  static const cv::Mat vocabulary = [] {
    cv::Mat words(kSiftWords, kLength, CV_32F);
    for (int i = 0; i < kSiftWords * kLength; ++i)
      words.ptr<float>()[i] = static_cast<float>(kVocabulary[i]) / kVocabularyScale;
    return words;
  }();
  return vocabulary;
}

cv::Mat train_sift_vocabulary(const cv::Mat& descriptors, uint64_t seed) {
  const PointSet points{descriptors.ptr<float>(), descriptors.rows, kLength,
                        static_cast<int64_t>(descriptors.step1())};
  const KMeansResult result =
      kmeans({points}, kmeans_seeds(points, kSiftWords, seed), kSiftWords, {.max_iters = 100});
  return cv::Mat(kSiftWords, kLength, CV_32F, const_cast<float*>(result.centroids.data())).clone();
}

}  // namespace vidattn
