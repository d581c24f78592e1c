#include "attention/methods/kmeans.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

#include "attention/blas.h"
#include "attention/cancel.h"
#include "attention/methods/lowest.h"
#include "attention/parallel.h"

namespace vidattn {
namespace {

// Points and centroids per distance block: 256 kB of scores, which stay in one core's L2 cache.
constexpr int64_t kBlock = 256;

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

/// Tokens by label, ascending inside a label: the points of cluster m are
/// order[start[m]] .. order[start[m + 1] - 1].
struct Members {
  std::vector<int32_t> start, order;

  Members(const int32_t* labels, int64_t count, int64_t num_centroids)
      : start(num_centroids + 1), order(count) {
    for (int64_t i = 0; i < count; ++i) ++start[labels[i] + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    std::vector<int32_t> next(start.begin(), start.end() - 1);
    for (int64_t i = 0; i < count; ++i) order[next[labels[i]]++] = static_cast<int32_t>(i);
  }
};

/// Means of the labelled points; returns the largest movement and fills sizes. One thread sums a
/// whole cluster, so that the result does not depend on their number.
double update_centroids(const PointSet& points, const int32_t* labels, int64_t num_centroids,
                        const float* centroids, float* updated, int32_t* sizes) {
  const Members members(labels, points.count, num_centroids);
  double shift = 0;
  RegionErrors errors;
#pragma omp parallel reduction(max : shift)
  {
    std::vector<double> sum;
    std::vector<float> point;
    const auto update = [&](int64_t m) {
      sum.resize(points.dim);
      point.resize(points.dim);
      const float* old = centroids + m * points.dim;
      float* mean = updated + m * points.dim;
      sizes[m] = members.start[m + 1] - members.start[m];
      std::fill(sum.begin(), sum.end(), 0.0);
      for (int32_t p = members.start[m]; p < members.start[m + 1]; ++p) {
        const float* row = points.row(members.order[p], point.data());
        for (int64_t c = 0; c < points.dim; ++c) sum[c] += row[c];
      }
      for (int64_t c = 0; c < points.dim; ++c)
        mean[c] = sizes[m] == 0 ? old[c] : static_cast<float>(sum[c] / sizes[m]);
      shift = std::max(shift, std::sqrt(squared_distance(mean, old, points.dim)));
    };
#pragma omp for schedule(dynamic, 4)
    for (int64_t m = 0; m < num_centroids; ++m) errors.catching([&] { update(m); });
  }
  errors.rethrow();
  return shift;
}

/// Up to kBlock points as a float32 matrix: their own memory, or a converted copy.
class PointBlock {
 public:
  PointBlock(const PointSet& points, int64_t begin, int64_t rows, std::vector<float>& scratch)
      : data_(points.data ? points.data + begin * points.stride : scratch.data()),
        stride_(points.data ? points.stride : points.dim) {
    if (points.data) return;
    for (int64_t i = 0; i < rows; ++i) points.read(begin + i, &scratch[i * points.dim]);
  }
  const float* data() const { return data_; }
  int64_t stride() const { return stride_; }

 private:
  const float* data_;
  int64_t stride_;
};

}  // namespace

void PointSet::read(int64_t i, float* out) const {
  if (data)
    std::copy_n(data + i * stride, dim, out);
  else
    tensor->read_row(i, head, out);
}

const float* PointSet::row(int64_t i, float* memory) const {
  if (data) return data + i * stride;
  tensor->read_row(i, head, memory);
  return memory;
}

PointSet head_points(const Tensor& tensor, int64_t head) {
  const bool direct = tensor.dtype() == DType::f32;
  return {direct ? tensor.row(0, head) : nullptr, tensor.length(), tensor.dim(),
          tensor.heads() * tensor.dim(),          &tensor,         head};
}

void assign_nearest(const PointSet& points, const float* centroids, int64_t num_centroids,
                    int32_t* labels) {
  const std::vector<float> norms = half_norms(centroids, num_centroids, points.dim);
  RegionErrors errors;
#pragma omp parallel
  {
    std::vector<float> dots, best, converted;
    const auto assign = [&](int64_t begin) {
      dots.resize(kBlock * kBlock);
      best.resize(kBlock);
      if (!points.data) converted.resize(kBlock * points.dim);
      const int64_t rows = std::min(kBlock, points.count - begin);
      const PointBlock block(points, begin, rows, converted);
      std::fill(best.begin(), best.end(), std::numeric_limits<float>::infinity());
      std::fill_n(labels + begin, rows, 0);
      for (int64_t m = 0; m < num_centroids; m += kBlock) {
        const int64_t columns = std::min(kBlock, num_centroids - m);
        gemm_nt(rows, columns, points.dim, block.data(), block.stride(), centroids + m * points.dim,
                points.dim, dots.data(), columns);
        for (int64_t i = 0; i < rows; ++i) {
          const Lowest nearest = lowest_difference(&norms[m], &dots[i * columns], columns);
          if (!(nearest.value < best[i])) continue;
          best[i] = nearest.value;
          labels[begin + i] = static_cast<int32_t>(m + nearest.index);
        }
      }
    };
#pragma omp for schedule(static)
    for (int64_t begin = 0; begin < points.count; begin += kBlock)
      errors.catching([&] { assign(begin); });
  }
  errors.rethrow();
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
      throw_if_cancelled();
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
  std::vector<float> point(points.dim);
  int64_t chosen = static_cast<int64_t>(random() % static_cast<uint64_t>(points.count));
  for (int64_t m = 0;; ++m) {
    throw_if_cancelled();
    float* centroid = &centroids[m * points.dim];
    points.read(chosen, centroid);
    if (m + 1 == num_centroids) return centroids;
    double total = 0;
    for (int64_t i = 0; i < points.count; ++i) {
      points.read(i, point.data());
      const double d = squared_distance(point.data(), centroid, points.dim);
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
