#pragma once

#include <cstdint>

namespace vidattn {

/// Rows of a matrix that each of its columns may choose from: [first, last) without `own`.
struct Candidates {
  const int32_t *first, *last, *own;

  Candidates from(int64_t column) const { return {first + column, last + column, own + column}; }
  int64_t count(int64_t column) const {
    const bool inside = own[column] >= first[column] && own[column] < last[column];
    return last[column] - first[column] - (inside ? 1 : 0);
  }
};

constexpr int64_t kColumnFew = 8;  ///< most that column_largest() chooses

/// The `count` largest candidates, at most kColumnFew, of each column of a row-major matrix: their
/// rows in chosen[k * stride + column], by falling value, ties to the lower row; -1 where there are
/// no more. One column per lane of a vector, so that the rows pass by once. Neither a NaN nor
/// -infinity is chosen, even where there is nothing else. Returns for how many columns it was done:
/// whole vectors of them.
int64_t column_largest(const float* values, int64_t columns, int64_t stride,
                       const Candidates& candidates, int64_t count, int32_t* chosen);

}  // namespace vidattn
