#include "attention/terms/features.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "attention/parallel.h"

namespace vidattn {
namespace {

void to_features(FeatureMap map, float* row, int64_t dim) {
  if (map == FeatureMap::relu) {
    for (int64_t c = 0; c < dim; ++c) row[c] = std::max(row[c], 0.0F);
  } else if (map == FeatureMap::elu) {
    for (int64_t c = 0; c < dim; ++c) row[c] = row[c] > 0 ? row[c] + 1 : std::exp(row[c]);
  } else {
    const float high = *std::max_element(row, row + dim);
    float sum = 0;
    for (int64_t c = 0; c < dim; ++c) sum += row[c] = std::exp(row[c] - high);
    for (int64_t c = 0; c < dim; ++c) row[c] /= sum;
  }
}

}  // namespace

FeatureMap find_feature_map(const std::string& name) {
  if (name == "softmax") return FeatureMap::softmax;
  if (name == "elu") return FeatureMap::elu;
  if (name == "relu") return FeatureMap::relu;
  throw std::logic_error("no feature map " + name);
}

std::shared_ptr<const Tensor> features(const Tensor& of, FeatureMap map) {
  auto made = std::make_shared<Tensor>(of.length(), of.heads(), of.dim());
  const double steps = 8.0 * static_cast<double>(of.size());  // exponentials
#pragma omp parallel for schedule(static) num_threads(threads_for(steps))
  for (int64_t i = 0; i < of.length(); ++i)
    for (int64_t h = 0; h < of.heads(); ++h) {
      of.read_row(i, h, made->row(i, h));
      to_features(map, made->row(i, h), of.dim());
    }
  return made;
}

}  // namespace vidattn
