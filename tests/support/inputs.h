#pragma once

#include <memory>
#include <random>
#include <vector>

#include "attention/inputs.h"

/// Generator tensors and inputs, the same with every call: from a seed, or from an engine that goes
/// on.
namespace vidattn {

using Generator = std::mt19937_64;

/// [length,heads,dim] in float32, normal around 0.
inline std::shared_ptr<Tensor> random_tensor(int64_t length, int64_t heads, int64_t dim,
                                             Generator& random, float deviation = 1) {
  auto tensor = std::make_shared<Tensor>(length, heads, dim);
  std::normal_distribution<float> normal(0, deviation);
  for (int64_t i = 0; i < tensor->size(); ++i) tensor->data<float>()[i] = normal(random);
  return tensor;
}

inline std::shared_ptr<const Tensor> random_tensor(int64_t length, int64_t heads, int64_t dim,
                                                   uint64_t seed, float deviation = 1) {
  Generator random(seed);
  return random_tensor(length, heads, dim, random, deviation);
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

/// Cross-attention with values of a width of their own.
inline Inputs random_cross(int64_t queries, int64_t keys, int64_t heads, int64_t kv_heads,
                           int64_t dim, int64_t value_dim, Generator& random) {
  Inputs in;
  in.q = random_tensor(queries, heads, dim, random);
  in.k = random_tensor(keys, kv_heads, dim, random);
  in.v = random_tensor(keys, kv_heads, value_dim, random);
  return in;
}

/// Queries and keys may differ in number and heads; `deviation` is that of the queries.
inline Inputs random_inputs(int64_t queries, int64_t keys, int64_t heads, int64_t kv_heads,
                            int64_t dim, Generator& random, float deviation = 1) {
  Inputs in;
  in.q = random_tensor(queries, heads, dim, random, deviation);
  in.k = random_tensor(keys, kv_heads, dim, random);
  in.v = random_tensor(keys, kv_heads, dim, random);
  return in;
}

inline std::shared_ptr<const Array> random_array(std::vector<int64_t> shape, uint64_t seed,
                                                 float deviation = 1) {
  Generator random(seed);
  std::normal_distribution<float> normal(0, deviation);
  Array array{std::move(shape), {}};
  std::vector<float> values(array.size());
  for (float& v : values) v = normal(random);
  array.values = std::move(values);
  return std::make_shared<const Array>(std::move(array));
}

/// q, k and v rounded to a storage type.
inline Inputs as(const Inputs& in, DType type) {
  Inputs other = in;
  for (auto* tensor : {&other.q, &other.k, &other.v})
    *tensor = std::make_shared<const Tensor>((*tensor)->to(storage_of(type)));
  if (is_low_bit(type)) other.low_bits = type;
  return other;
}

}  // namespace vidattn
