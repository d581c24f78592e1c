#include "harness/tables/operators/random_inputs.h"

#include <cmath>

#include "attention/cancel.h"
#include "harness/host/random.h"
#include "harness/tables/operators/count.h"

namespace vidattn {
namespace {

// Scores of this deviation put 80% of the mass on the strongest 5% of the keys, as the film's do.
// Flatter ones average so many random values away that rounding shows in what remains.
constexpr double kScoreDeviation = 2.5;

std::shared_ptr<const Tensor> random_tensor(int64_t tokens, int64_t heads, int64_t dim, DType dtype,
                                            uint64_t seed, double deviation) {
  Tensor tensor(tokens, heads, dim);
  const int64_t width = heads * dim;
  const double limit = deviation * std::sqrt(3.0);  // of a uniform distribution
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < tokens; ++i) {
    if (runs_cancelled) continue;
    Random random(seed, static_cast<uint64_t>(i));
    float* row = tensor.data<float>() + i * width;
    for (int64_t c = 0; c < width; ++c) row[c] = static_cast<float>(random.uniform(-limit, limit));
  }
  throw_if_cancelled();
  if (dtype == DType::f32) return std::make_shared<const Tensor>(std::move(tensor));
  return std::make_shared<const Tensor>(tensor.to(dtype));
}

}  // namespace

Inputs random_operator_inputs(const DitModel& model, int64_t tokens, int64_t heads,
                              int64_t temporal_groups, DType dtype) {
  Inputs in;
  in.grid = grid_480p(tokens, temporal_groups);
  in.q = random_tensor(tokens, heads, model.head_dim(), dtype, 1, kScoreDeviation);
  in.k = random_tensor(tokens, heads, model.head_dim(), dtype, 2, 1);
  in.v = random_tensor(tokens, heads, model.head_dim(), dtype, 3, 1);
  std::vector<float> hidden(tokens * model.dim);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < tokens; ++i) {
    if (runs_cancelled) continue;
    Random random(4, static_cast<uint64_t>(i));
    for (int64_t c = 0; c < model.dim; ++c)
      hidden[i * model.dim + c] = static_cast<float>(random.uniform(-1, 1));
  }
  throw_if_cancelled();
  in.extra["hidden"] = std::make_shared<const Array>(Array{{tokens, model.dim}, std::move(hidden)});
  return in;
}

}  // namespace vidattn
