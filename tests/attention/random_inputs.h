#pragma once

#include <cmath>
#include <random>

#include "attention/inputs.h"

namespace vidattn {

inline std::shared_ptr<const Tensor> random_tensor(int64_t length, int64_t heads, int64_t dim,
                                                   uint64_t seed, float scale = 1) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, scale);
  Tensor tensor(length, heads, dim);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.data<float>()[i] = normal(random);
  return std::make_shared<const Tensor>(std::move(tensor));
}

/// Normal q, k, v without a grid.
inline Inputs random_inputs(int64_t length, int64_t heads, int64_t dim, uint64_t seed = 1) {
  Inputs in;
  in.q = random_tensor(length, heads, dim, 3 * seed);
  in.k = random_tensor(length, heads, dim, 3 * seed + 1);
  in.v = random_tensor(length, heads, dim, 3 * seed + 2);
  return in;
}

/// The same on a grid of frames x height x width.
inline Inputs random_video(int64_t frames, int64_t height, int64_t width, int64_t heads,
                           int64_t dim, uint64_t seed = 1) {
  Inputs in = random_inputs(frames * height * width, heads, dim, seed);
  in.grid.frames = frames;
  in.grid.height = height;
  in.grid.width = width;
  return in;
}

inline std::shared_ptr<const Array> random_array(std::vector<int64_t> shape, uint64_t seed,
                                                 float scale = 1) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, scale);
  Array array{std::move(shape), {}};
  std::vector<float> values(array.size());
  for (float& v : values) v = normal(random);
  array.values = std::move(values);
  return std::make_shared<const Array>(std::move(array));
}

inline double relative_l2(const Tensor& a, const Tensor& b) {
  double error = 0, norm = 0;
  for (int64_t i = 0; i < a.length(); ++i)
    for (int64_t h = 0; h < a.heads(); ++h)
      for (int64_t c = 0; c < a.dim(); ++c) {
        error += std::pow(double{a.at(i, h, c)} - b.at(i, h, c), 2);
        norm += std::pow(double{b.at(i, h, c)}, 2);
      }
  return std::sqrt(error / norm);
}

}  // namespace vidattn
