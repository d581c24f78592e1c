#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

/// Descriptors on a regular grid.
struct DenseSift {
  std::vector<cv::Point> centres;
  cv::Mat descriptors;  ///< 32FC1 [n,128], unit length
};

/// Upright SIFT descriptors (Lowe 2004) of 16x16 pixels every 8 pixels: 4x4 cells of 8 orientations
/// with linear interpolation between cells and orientations, flat over the patch, clipped at 0.2;
/// then the square root that makes their dot product a Hellinger kernel (RootSIFT, Arandjelovic and
/// Zisserman 2012). Patches without gradients are left out. `grey` is 8UC1; smaller than a patch
/// gives none.
DenseSift dense_sift(const cv::Mat& grey);

/// K-means centres of dense SIFT descriptors, [kSiftWords,128] row-major: the shipped vocabulary,
/// trained on vidattn's own films (`vidattn vocabulary`).
constexpr int kSiftWords = 32;
const cv::Mat& sift_vocabulary();

/// Trains a vocabulary from descriptors [n,128]; deterministic for a seed.
cv::Mat train_sift_vocabulary(const cv::Mat& descriptors, uint64_t seed);

}  // namespace vidattn
