#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/device.h"

namespace vidattn {

/// How near a device's output is to the reference device executing the same plan.
struct EqualityCheck {
  int64_t rows = 0;         ///< tokens compared, spread over all
  double error = 0;         ///< relative L2
  double limit = 0;         ///< allowed_error() of the compared rows
  std::string reason = {};  ///< why the output is not to be believed; empty = it passed
  bool passed() const { return reason.empty(); }
};

/// The verdict on an error over that many rows; `whose` begins the reason: "gradients'".
EqualityCheck judged(int64_t rows, double error, double limit, const std::string& whose = {});

/// The worse of two checks of parts of a call, in units of what each allows; all rows count.
void add_check(EqualityCheck& all, const EqualityCheck& part);

/// Relative L2 error that rounding alone explains: equality_limit() of the storage type, or, where
/// scores are huge, three of float32's steps at the largest score of these tokens: a device cannot
/// know a score of 75,000 better than to 0.008, and its exponential errs by as much.
double allowed_error(const Inputs& in, const std::vector<int64_t>& tokens);

/// So many rows the reference computes in about a second, but at least 8.
int64_t rows_to_check(const Inputs& in);

/// Checks the output's rows of a sample of `among` (empty = all tokens), rows_to_check() of them.
EqualityCheck check_equality(const Plan& plan, const Inputs& in, const Output& out,
                             const std::vector<int64_t>& among = {});

}  // namespace vidattn
