#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "attention/device.h"

namespace vidattn {

/// How far a query head's output is from full attention's, over the compared tokens.
struct HeadFidelity {
  double relative_l2 =
      NAN;              ///< Frobenius norms of this head's rows; NaN where full attention's is 0
  double cosine = NAN;  ///< mean over tokens; NaN where both outputs are 0 everywhere
  double recall = NAN;  ///< mean over tokens
};

/// How far an output is from full attention's, over the compared tokens and all heads.
struct Fidelity {
  int64_t tokens = 0;      ///< compared tokens
  double relative_l2 = 0;  ///< |o - full| / |full|, Frobenius norms over everything compared
  double cosine = 0;       ///< mean over (token, head) of the cosine between the two rows
  double max_error = 0;    ///< largest |o - full|
  double recall_mean = 0;  ///< attention mass kept, mean over (token, head)
  double recall_p5 = 0;    ///< its 5th percentile
  std::vector<HeadFidelity> heads;
};

/// Compares the rows of `tokens`; `full` is the output of full attention, at least for those rows.
/// Recall is exp(lse - lse_full) for a plan of one branch. Several branches see overlapping keys,
/// and a mapped token carries another query's LSE, so there it is the full softmax's mass, for the
/// token's own query, on the union of the keys, at up to 128 of the tokens.
Fidelity compare_with_full(const Plan& plan, const Inputs& in, const Output& out,
                           const Output& full, const std::vector<int64_t>& tokens);

/// Mass of the full softmax, whose log-sum-exp is given, on the keys that a query sees, as recall
/// counts it; `out` is the plan's.
double kept_mass(const Plan& plan, const Inputs& in, const Output& out, int64_t token, int64_t head,
                 double full_lse);

/// `count` distinct tokens spread over [0, length) at random (fixed seed), ascending; all when
/// count >= length.
std::vector<int64_t> sample_tokens(int64_t length, int64_t count);

/// Full attention of the given tokens only: a plan whose output rows for other tokens are 0.
Plan full_attention_rows(const std::vector<int64_t>& tokens, int64_t keys);

/// Largest relative L2 error that a device may have against the reference: float32 sums, and
/// outputs rounded to 8 (bf16) or 11 (f16) bits. Of low bits the reference rounds alike: what is
/// left are float32 sums, and for int8 weights rounded to 8 bits for its bfloat16 values.
double equality_limit(DType dtype);

/// Relative L2 error over rows of `out` against float64 rows [tokens.size(),H,D].
double relative_l2_error(const Tensor& out, const std::vector<int64_t>& tokens,
                         const std::vector<double>& expected);

/// |a - b| / |b|, Frobenius norms over the rows of `tokens` of two outputs of one shape.
double relative_l2_between(const Tensor& a, const Tensor& b, const std::vector<int64_t>& tokens);

}  // namespace vidattn
