#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vidattn {

/// Median; NaN of nothing.
double median(std::vector<double> values);
/// Highest; NaN of nothing. A peak is its best sample: other programs only ever lower one.
double highest(const std::vector<double>& values);

/// Standard deviation of a sample (n - 1) of at least two values.
double standard_deviation(const std::vector<double>& values);

/// Correlation of values around 0 with the one before each; 0 where it is within `chance` standard
/// deviations of what independent values show.
double successive_correlation(const std::vector<double>& values, double chance);

/// Value below which a standard normal variable falls with `probability`, in (0, 1).
double normal_quantile(double probability);

/// Two-sided p-value of Wilcoxon's signed-rank test that the differences are symmetric around 0
/// (Wilcoxon 1945). Zero differences are left out and tied ones share their mean rank. Exact over
/// all sign patterns for up to 50 differences, ties included; beyond that the normal approximation
/// with corrections for ties and continuity. 1 when nothing is left.
double wilcoxon_signed_rank_p(const std::vector<double>& differences);

/// Largest sum of the ranks of the rarer sign, among `n` up to 50 differences without ties, whose
/// p-value is below `alpha`; -1 when there is none.
int64_t wilcoxon_critical_sum(int64_t n, double alpha);

/// Holm's step-down adjustment (1979): p-values that may be held against one alpha together, in the
/// order given. Controls the chance of any false finding, whatever the dependence.
std::vector<double> holm(const std::vector<double>& p);

struct Interval {
  double low = 0, high = 0;
};

/// What paired blocks say about the ratio of two times; everything in natural logarithms.
struct RatioEstimate {
  int64_t blocks = 0;
  double log_ratio = 0;       ///< median over the blocks of log(time of B / time of A)
  Interval interval;          ///< bootstrap over the blocks
  double standard_error = 0;  ///< of the median: standard deviation of its bootstrap
  double p = 1;               ///< wilcoxon_signed_rank_p
  double correlation = 0;     ///< block_correlation
  double widened = 1;         ///< what the interval and the standard error were multiplied by
};

/// How much a block resembles the one before: the correlation of successive log ratios, corrected
/// for their number (Marriott & Pope 1954), at most 0.9. 0 of fewer than 8 blocks, and where it is
/// within 1.28 standard deviations of what independent blocks show.
double block_correlation(const std::vector<double>& log_ratios);

/// Confidence of every interval.
constexpr double kConfidence = 0.95;
/// Below, no interval exists: neither does a p-value below 0.05.
constexpr int64_t kFewestBlocks = 6;

/// Median of per-block log ratios with a percentile bootstrap interval (Efron 1979): 2,000
/// resamples of whole blocks, seeded. No block is left out. Percentile and not BCa, because the
/// jackknife that BCa needs fails for a median (Efron & Tibshirani 1993, 11.6). Its true
/// coverage is between 92% and 95%, least for few blocks. Of blocks that resemble the one before by
/// r, the variance of a mean is (1 + r)/(1 - r) times as large: the interval and the standard error
/// are widened by its root. With fewer than 6 blocks the interval is infinite: no p-value below
/// 0.05 exists there.
RatioEstimate estimate_ratio(const std::vector<double>& log_ratios, uint64_t seed = 1);

/// Whether B's time differs from A's. undecidable: no times whatever could have told, see
/// blocks_needed().
enum class Verdict { faster, slower, same, ambiguous, undecidable };
std::string to_string(Verdict verdict);

/// How a verdict is reached. `margin` is the relative difference that does not matter.
struct VerdictRule {
  double margin = 0.01, alpha = 0.05;
};

/// faster or slower: the whole interval lies beyond the margin and the p-value, adjusted for all
/// cases judged together, is below alpha. same: the whole interval lies within the margin.
/// Everything else is ambiguous. Never undecidable: one case does not know how many are judged.
Verdict judge(const RatioEstimate& estimate, double adjusted_p, const VerdictRule& rule);

/// Geometric mean of the ratios of several independent cases, with a normal interval from their
/// standard errors. It speaks of these cases only, not of others like them.
RatioEstimate geometric_mean(const std::vector<RatioEstimate>& cases);

/// Arithmetic mean; NaN of no values.
double mean_of(const std::vector<double>& values);

}  // namespace vidattn
