#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "attention/tensor.h"

namespace vidattn {

/// What makes the features of linear attention of a row of queries or keys: softmax over its
/// channels, elu(x) + 1 or relu(x). `unknown`: a plan does not say, and has no gradients.
enum class FeatureMap { unknown, softmax, elu, relu };

/// By its name. Throws std::logic_error for another.
FeatureMap find_feature_map(const std::string& name);

/// Features [L,H,D] float32 of a tensor [L,H,D].
std::shared_ptr<const Tensor> features(const Tensor& of, FeatureMap map);

/// Turns the gradient of a row's features into that of the row, in place.
template <class T>
void pass_features(FeatureMap map, const float* features, int64_t dim, T* d) {
  if (map == FeatureMap::softmax) {
    T mean = 0;
    for (int64_t c = 0; c < dim; ++c) mean += features[c] * d[c];
    for (int64_t c = 0; c < dim; ++c) d[c] = features[c] * (d[c] - mean);
  } else if (map == FeatureMap::elu) {
    for (int64_t c = 0; c < dim; ++c) d[c] *= features[c] < 1 ? features[c] : T{1};
  } else {
    for (int64_t c = 0; c < dim; ++c) d[c] = features[c] > 0 ? d[c] : T{0};
  }
}

}  // namespace vidattn
