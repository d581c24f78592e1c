#pragma once

#include <cstdint>

namespace vidattn {

/// Sum of exp(values[i] - shift), to about 1e-6 of itself, for a shift near the largest value or
/// above it: differences below -87 add nothing, those above 88 would overflow. For the softmax of
/// long rows: several values per instruction, where std::exp takes one.
float exp_sum(const float* values, int64_t count, float shift);
/// The same, and what is added goes to `terms`, which may be `values`.
float exp_sum(const float* values, int64_t count, float shift, float* terms);

/// The largest value, -infinity of none: the shift of a row. A NaN is passed over.
float highest_of(const float* values, int64_t count);

}  // namespace vidattn
