#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/methods/router.h"

namespace vidattn {
namespace {

/// The scores of one token.
std::vector<double> scores_of_token(const LinearRouter& router, int64_t token) {
  std::vector<double> scores(router.groups);
  for (int64_t m = 0; m < router.groups; ++m) {
    if (router.scores != nullptr) {
      scores[m] = router.scores[token * router.groups + m];
      continue;
    }
    const float* x = router.hidden.data + token * router.hidden.stride;
    const float* w = router.weight + m * router.hidden.dim;
    double sum = router.bias != nullptr ? double{router.bias[m]} : 0;
    for (int64_t c = 0; c < router.hidden.dim; ++c) sum += double{x[c]} * double{w[c]};
    scores[m] = sum;
  }
  return scores;
}

}  // namespace

RouterGradients route_backward(const LinearRouter& router, const std::vector<int32_t>& group,
                               const float* gate) {
  const int64_t groups = router.groups;
  std::vector<float> result(router.tokens * groups);
  std::vector<double> temperature(router.tokens);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < router.tokens; ++i) {
    const std::vector<double> r = scores_of_token(router, i);
    const int32_t g = group[i];
    const double highest = *std::max_element(r.begin(), r.end());
    std::vector<double> p(groups);
    double sum = 0, mean = 0;
    for (int64_t m = 0; m < groups; ++m)
      sum += p[m] = std::exp((r[m] - highest) / router.temperature);
    for (int64_t m = 0; m < groups; ++m) {
      p[m] /= sum;
      mean += p[m] * (r[m] - r[g]);
    }
    for (int64_t m = 0; m < groups; ++m)
      result[i * groups + m] =
          static_cast<float>(gate[i] * p[g] * ((m == g) - p[m]) / router.temperature);
    // p_g falls with T as the other scores come nearer: d p_g / dT = p_g * E[r - r_g] / T^2.
    temperature[i] = gate[i] * p[g] * mean / (router.temperature * router.temperature);
  }
  RouterGradients gradients = pass_scores(router, std::move(result));
  gradients.temperature = std::accumulate(temperature.begin(), temperature.end(), 0.0);
  return gradients;
}

RouterGradients pass_scores(const LinearRouter& router, std::vector<float> scores) {
  RouterGradients gradients;
  gradients.scores = std::move(scores);
  if (router.scores != nullptr) return gradients;
  const int64_t groups = router.groups, dim = router.hidden.dim;
  gradients.hidden.resize(router.tokens * dim);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < router.tokens; ++i)
    for (int64_t m = 0; m < groups; ++m)
      for (int64_t c = 0; c < dim; ++c)
        gradients.hidden[i * dim + c] +=
            gradients.scores[i * groups + m] * router.weight[m * dim + c];
  gradients.weight.resize(groups * dim);
  if (router.bias != nullptr) gradients.bias.resize(groups);
#pragma omp parallel for schedule(static)
  for (int64_t m = 0; m < groups; ++m) {
    std::vector<double> sum(dim);
    double total = 0;
    for (int64_t i = 0; i < router.tokens; ++i) {
      const double d = gradients.scores[i * groups + m];
      total += d;
      for (int64_t c = 0; c < dim; ++c)
        sum[c] += d * double{router.hidden.data[i * router.hidden.stride + c]};
    }
    std::copy(sum.begin(), sum.end(), gradients.weight.begin() + m * dim);
    if (router.bias != nullptr) gradients.bias[m] = static_cast<float>(total);
  }
  return gradients;
}

}  // namespace vidattn
