#include "metrics/statistics/kendall.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr size_t kTauResamples = 1000;
constexpr double kOutsideShare = 0.025;  // of the resamples, on either side

int sign_of(double x) { return (x > 0) - (x < 0); }

std::vector<double> means_over(const std::vector<std::vector<double>>& samples,
                               const std::vector<size_t>& chosen) {
  std::vector<double> means(samples.front().size());
  for (const size_t s : chosen)
    for (size_t i = 0; i < means.size(); ++i)
      means[i] += samples[s][i] / static_cast<double>(chosen.size());
  return means;
}

}  // namespace

double kendall_tau(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) throw InputError("Kendall's tau needs pairs of values");
  double agreement = 0, pairs_a = 0, pairs_b = 0;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = i + 1; j < a.size(); ++j) {
      const int da = sign_of(a[i] - a[j]), db = sign_of(b[i] - b[j]);
      agreement += da * db;
      pairs_a += da != 0;
      pairs_b += db != 0;
    }
  if (pairs_a == 0 || pairs_b == 0) return std::numeric_limits<double>::quiet_NaN();
  return agreement / std::sqrt(pairs_a * pairs_b);
}

TauInterval tau_of_means(const std::vector<std::vector<double>>& a,
                         const std::vector<std::vector<double>>& b, uint64_t seed) {
  if (a.empty() || a.size() != b.size())
    throw InputError("Kendall's tau of means needs as many samples of either value");
  std::vector<size_t> all(a.size());
  for (size_t s = 0; s < all.size(); ++s) {
    all[s] = s;
    if (a[s].size() != a[0].size() || b[s].size() != a[0].size())
      throw InputError("Kendall's tau of means needs the same items in every sample");
  }
  const auto tau = [&](const std::vector<size_t>& chosen) {
    return kendall_tau(means_over(a, chosen), means_over(b, chosen));
  };
  std::mt19937_64 random(seed);
  std::vector<double> resampled;
  std::vector<size_t> chosen(a.size());
  for (size_t r = 0; r < kTauResamples; ++r) {
    for (size_t& s : chosen) s = random() % a.size();
    if (const double found = tau(chosen); !std::isnan(found)) resampled.push_back(found);
  }
  const double whole = tau(all);
  if (resampled.empty()) return {whole, whole, whole};
  std::sort(resampled.begin(), resampled.end());
  const auto outside = static_cast<size_t>(kOutsideShare * static_cast<double>(resampled.size()));
  return {whole, resampled[outside], resampled[resampled.size() - 1 - outside]};
}

}  // namespace vidattn
