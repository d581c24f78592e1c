#include "attention/kmeans.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

#include "attention/blas.h"

namespace vidattn {
namespace {

// Points per distance block: 512 x 1,000 centroids are 2 MB of scores, about one core's L2 cache.
constexpr int64_t kBlock = 512;

double squared_norm(const float* x, int64_t dim) {
  double sum = 0;
  for (int64_t c = 0; c < dim; ++c) sum += double{x[c]} * x[c];
  return sum;
}

double squared_distance(const float* a, const float* b, int64_t dim) {
  double sum = 0;
  for (int64_t c = 0; c < dim; ++c) sum += (double{a[c]} - b[c]) * (double{a[c]} - b[c]);
  return sum;
}

/// Half the squared norm of every centroid; infinite for a bitwise copy of an earlier one, so that
/// the lowest index wins whatever the rounding of the GEMM.
std::vector<float> half_norms(const float* centroids, int64_t count, int64_t dim) {
  const auto row = [&](int64_t i) { return centroids + i * dim; };
  const auto bytes = static_cast<size_t>(dim) * sizeof(float);
  std::vector<int64_t> sorted(count);
  std::iota(sorted.begin(), sorted.end(), 0);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](int64_t a, int64_t b) { return std::memcmp(row(a), row(b), bytes) < 0; });
  std::vector<float> norms(count);
  for (int64_t i = 0; i < count; ++i) {
    const bool copy = i > 0 && std::memcmp(row(sorted[i - 1]), row(sorted[i]), bytes) == 0;
    norms[sorted[i]] = copy ? std::numeric_limits<float>::infinity()
                            : static_cast<float>(squared_norm(row(sorted[i]), dim) / 2);
  }
  return norms;
}

/// Means of the labelled points; returns the largest movement and fills sizes.
double update_centroids(const PointSet& points, const int32_t* labels, int64_t num_centroids,
                        const float* centroids, float* updated, int32_t* sizes) {
  std::vector<double> sums(num_centroids * points.dim);
  std::fill(sizes, sizes + num_centroids, 0);
  for (int64_t i = 0; i < points.count; ++i) {
    ++sizes[labels[i]];
    double* sum = &sums[labels[i] * points.dim];
    for (int64_t c = 0; c < points.dim; ++c) sum[c] += points.data[i * points.stride + c];
  }
  double shift = 0;
  for (int64_t m = 0; m < num_centroids; ++m) {
    const float* old = centroids + m * points.dim;
    float* mean = updated + m * points.dim;
    for (int64_t c = 0; c < points.dim; ++c)
      mean[c] = sizes[m] == 0 ? old[c] : static_cast<float>(sums[m * points.dim + c] / sizes[m]);
    shift = std::max(shift, std::sqrt(squared_distance(mean, old, points.dim)));
  }
  return shift;
}

}  // namespace

void assign_nearest(const PointSet& points, const float* centroids, int64_t num_centroids,
                    int32_t* labels) {
  const std::vector<float> norms = half_norms(centroids, num_centroids, points.dim);
#pragma omp parallel
  {
    std::vector<float> dots(kBlock * num_centroids);
#pragma omp for schedule(static)
    for (int64_t begin = 0; begin < points.count; begin += kBlock) {
      const int64_t rows = std::min(kBlock, points.count - begin);
      gemm_nt(rows, num_centroids, points.dim, points.data + begin * points.stride, points.stride,
              centroids, points.dim, dots.data(), num_centroids);
      for (int64_t i = 0; i < rows; ++i) {
        const float* dot = &dots[i * num_centroids];
        int32_t best = 0;
        for (int64_t m = 1; m < num_centroids; ++m)
          if (norms[m] - dot[m] < norms[best] - dot[best]) best = static_cast<int32_t>(m);
        labels[begin + i] = best;
      }
    }
  }
}

KMeansResult kmeans(const std::vector<PointSet>& sets, std::vector<float> centroids,
                    int64_t num_centroids, const KMeansOptions& options) {
  const auto count = sets.front().count, dim = sets.front().dim;
  const auto num_sets = static_cast<int64_t>(sets.size());
  KMeansResult result;
  result.labels.resize(num_sets * count);
  result.sizes.resize(num_sets * num_centroids);
  result.centroids = std::move(centroids);
  std::vector<float> updated(result.centroids.size());
  for (int64_t it = 0; it < options.max_iters; ++it) {
    double shift = 0;
    for (int64_t s = 0; s < num_sets; ++s) {
      const float* old = &result.centroids[s * num_centroids * dim];
      assign_nearest(sets[s], old, num_centroids, &result.labels[s * count]);
      shift = std::max(shift, update_centroids(sets[s], &result.labels[s * count], num_centroids,
                                               old, &updated[s * num_centroids * dim],
                                               &result.sizes[s * num_centroids]));
    }
    result.shifts.push_back(shift);
    if (shift < options.tol) break;
    result.centroids.swap(updated);
  }
  return result;
}

std::vector<float> kmeans_seeds(const PointSet& points, int64_t num_centroids, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> centroids(num_centroids * points.dim);
  std::vector<double> distance(points.count, std::numeric_limits<double>::infinity());
  int64_t chosen = static_cast<int64_t>(random() % static_cast<uint64_t>(points.count));
  for (int64_t m = 0;; ++m) {
    float* centroid = &centroids[m * points.dim];
    std::copy_n(points.data + chosen * points.stride, points.dim, centroid);
    if (m + 1 == num_centroids) return centroids;
    double total = 0;
    for (int64_t i = 0; i < points.count; ++i) {
      const double d = squared_distance(points.data + i * points.stride, centroid, points.dim);
      distance[i] = std::min(distance[i], d);
      total += distance[i];
    }
    // 53 random bits, because the standard library's distributions differ between compilers.
    double target = static_cast<double>(random() >> 11) * 0x1p-53 * total;
    for (chosen = 0; chosen + 1 < points.count && target >= distance[chosen]; ++chosen)
      target -= distance[chosen];
  }
}

}  // namespace vidattn
