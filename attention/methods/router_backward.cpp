#include "attention/methods/router_backward.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/parallel.h"

namespace vidattn {
namespace {

/// d p_g / d T: the weight of the group falls as those of other scores come nearer.
double temperature_gradient(const RoutedToken& token, int32_t group, double temperature) {
  double mean = 0;
  for (size_t m = 0; m < token.p.size(); ++m) mean += token.p[m] * (token.r[m] - token.r[group]);
  return token.p[group] * mean / (temperature * temperature);
}

}  // namespace

RoutedToken::RoutedToken(const LinearRouter& router, int64_t token)
    : r(router.groups), p(router.groups) {
  for (int64_t m = 0; m < router.groups; ++m) {
    if (router.scores != nullptr) {
      r[m] = router.scores[token * router.groups + m];
      continue;
    }
    const float* x = router.hidden.data + token * router.hidden.stride;
    const float* w = router.weight + m * router.hidden.dim;
    r[m] = router.bias != nullptr ? double{router.bias[m]} : 0;
    for (int64_t c = 0; c < router.hidden.dim; ++c) r[m] += double{x[c]} * double{w[c]};
  }
  const double highest = *std::max_element(r.begin(), r.end());
  double sum = 0;
  for (size_t m = 0; m < r.size(); ++m)
    sum += p[m] = std::exp((r[m] - highest) / router.temperature);
  for (double& probability : p) probability /= sum;
}

void add_softmax_gradient(const RoutedToken& token, double temperature,
                          const std::vector<double>& weight, double factor, float* scores) {
  const double mean = std::inner_product(weight.begin(), weight.end(), token.p.begin(), 0.0);
  for (size_t m = 0; m < weight.size(); ++m)
    scores[m] += static_cast<float>(factor * token.p[m] * (weight[m] - mean) / temperature);
}

RouterGradients route_backward(const LinearRouter& router, const std::vector<int32_t>& group,
                               const float* gate) {
  std::vector<float> scores(router.tokens * router.groups);
  std::vector<double> temperature(router.tokens);
  RegionErrors errors;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < router.tokens; ++i)
    errors.catching([&] {
      const RoutedToken token(router, i);
      std::vector<double> chosen(router.groups);
      chosen[group[i]] = 1;
      add_softmax_gradient(token, router.temperature, chosen, gate[i], &scores[i * router.groups]);
      temperature[i] = gate[i] * temperature_gradient(token, group[i], router.temperature);
    });
  errors.rethrow();
  RouterGradients gradients = pass_scores(router, std::move(scores));
  gradients.temperature = std::accumulate(temperature.begin(), temperature.end(), 0.0);
  return gradients;
}

RouterGradients pass_scores(const LinearRouter& router, std::vector<float> scores) {
  RouterGradients gradients;
  gradients.scores = std::move(scores);
  if (router.scores != nullptr) return gradients;
  const int64_t groups = router.groups, dim = router.hidden.dim;
  gradients.hidden.resize(router.tokens * dim);
  gradients.weight.resize(groups * dim);
  if (router.bias != nullptr) gradients.bias.resize(groups);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < router.tokens; ++i)
    for (int64_t m = 0; m < groups; ++m)
      for (int64_t c = 0; c < dim; ++c)
        gradients.hidden[i * dim + c] +=
            gradients.scores[i * groups + m] * router.weight[m * dim + c];
  RegionErrors errors;
#pragma omp parallel for schedule(static)
  for (int64_t m = 0; m < groups; ++m)
    errors.catching([&] {
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
    });
  errors.rethrow();
  return gradients;
}

}  // namespace vidattn
