#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// Kendall's tau-b of paired values (Kendall 1945), from -1 to 1: how well the order of the one
/// tells that of the other. NaN where one of them is constant, or for less than two pairs. Throws
/// InputError for lists of different lengths.
double kendall_tau(const std::vector<double>& a, const std::vector<double>& b);

struct TauInterval {
  double tau, low, high;
};

/// Tau of the means over samples, and its 95% interval by a bootstrap of the samples (percentiles
/// of 1,000 resamples, a fixed seed): a[sample][item] and b[sample][item]. Resamples without a tau
/// are left out. Throws InputError for lists that do not fit.
TauInterval tau_of_means(const std::vector<std::vector<double>>& a,
                         const std::vector<std::vector<double>>& b, uint64_t seed = 1);

}  // namespace vidattn
