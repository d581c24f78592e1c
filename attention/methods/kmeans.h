#pragma once

#include <cstdint>
#include <vector>

#include "attention/tensor.h"

namespace vidattn {

/// A set of points: row i starts at data + i * stride and has `dim` floats. Points of another type
/// stay in their tensor, where data is null, and are converted a block at a time.
struct PointSet {
  const float* data;
  int64_t count, dim, stride;
  const Tensor* tensor = nullptr;
  int64_t head = 0;

  /// Copies point i into `dim` floats.
  void read(int64_t i, float* out) const;
  /// Point i where it lies, or in `memory` after a conversion.
  const float* row(int64_t i, float* memory) const;
};

/// The rows of one head. The tensor must outlive the set.
PointSet head_points(const Tensor& tensor, int64_t head);

struct KMeansOptions {
  int64_t max_iters = 50;  ///< Sparse VideoGen 2's default for a first step
  double tol = 1e-4;       ///< stop when no centroid of any set moved farther (L2)
};

struct KMeansResult {
  std::vector<int32_t> labels;   ///< [sets, count]
  std::vector<float> centroids;  ///< [sets, K, dim]
  std::vector<int32_t> sizes;    ///< [sets, K], counts of the labels
  std::vector<double> shifts;    ///< largest centroid movement of every iteration
};

/// Nearest centroid of every point, squared Euclidean, ties to the lowest index. `centroids` is
/// [K, dim]; `labels` gets `count` entries. Distances are GEMMs of blocks of points and centroids
/// that stay in a core's cache.
void assign_nearest(const PointSet& points, const float* centroids, int64_t num_centroids,
                    int32_t* labels);

/// Lloyd's algorithm on several sets of equal shape at once (one per head), from given centroids
/// [sets, K, dim]. An empty cluster keeps its centroid. As in the published SVG2 code the labels
/// belong to the centroids before the last update, and an early stop returns the centroids before
/// that update.
KMeansResult kmeans(const std::vector<PointSet>& sets, std::vector<float> centroids,
                    int64_t num_centroids, const KMeansOptions& options);

/// k-means++ seeding of one set, deterministic for a seed. Returns [K, dim].
std::vector<float> kmeans_seeds(const PointSet& points, int64_t num_centroids, uint64_t seed);

}  // namespace vidattn
