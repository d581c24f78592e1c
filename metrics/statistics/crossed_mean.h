#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// A value that one rater gave to what one prompt made. Raters and prompts are numbered from 0,
/// with or without gaps; a pair may be there several times or not at all.
struct CrossedValue {
  int64_t rater = 0, prompt = 0;
  double value = 0;
};

/// A mean over raters and prompts, both taken as drawn from many alike.
struct CrossedMean {
  int64_t count = 0, raters = 0, prompts = 0;
  double mean = 0;            ///< NaN of nothing
  double standard_error = 0;  ///< NaN where neither raters nor prompts are two
  double degrees = 0;         ///< of freedom of Student's t, Satterthwaite's
  double low = 0, high = 0;   ///< 95% interval; infinite where the standard error is 0 or NaN
  double p = 1;               ///< two-sided, that the mean is 0
};

/// Raters are resampled whole, and so are prompts, 2,000 times each and seeded (Efron 1979). Each
/// variance is scaled by n/(n-1), which small numbers lose, and the two are added: what is of a
/// rater with a prompt is then counted twice, on the safe side, as no resampling of a crossed
/// design gets it exactly (McCullagh 2000; resampling both at once counts it three times, Owen
/// 2007). Of a single rater or prompt the mean speaks of that one only. Values that are all the
/// same show no spread to make an interval of; their p is that of n equal signs, n the larger of
/// both numbers.
CrossedMean crossed_mean(const std::vector<CrossedValue>& values, uint64_t seed = 1);

/// Where values differ: by raters, by prompts, and by both together with chance.
struct CrossedVariance {
  double rater = 0, prompt = 0, rest = 0;

  /// Of the mean over so many raters, each of whom judges so many prompts.
  double of_mean(double raters, double prompts) const {
    return rater / raters + prompt / prompts + rest / (raters * prompts);
  }
};

/// By the method of moments, after an additive fit of raters and prompts by least squares; exact
/// for a full table, near it where values are missing. None is below 0.
CrossedVariance crossed_variance(const std::vector<CrossedValue>& values);

/// The smallest true mean that is told from 0 with 80% power at this two-sided level, by normal
/// theory: for tens of raters and prompts.
double detectable_mean(const CrossedVariance& variance, double raters, double prompts,
                       double alpha);

}  // namespace vidattn
