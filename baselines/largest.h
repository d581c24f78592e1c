#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vidattn {

// Selection by value in rows of up to all tokens' scores, several values per instruction. A NaN is
// smaller than every number.

/// The `count`-th largest value, 1 <= count <= values.size(). The interval that holds it is halved
/// until one value is left, each time over the values inside it only.
float kth_largest(std::span<const float> values, int64_t count);

/// A floor that most likely a few more than `count` of `total` values reach, from a sample of every
/// sample_step-th of them: its rank there, with four standard deviations to spare.
float sampled_floor(std::span<const float> sample, int64_t total, int64_t count);

/// The step of a sample of about a thousand; 0 where a floor would spare too little. Odd, so that
/// the sample does not follow the rows of a frame.
int64_t sample_step(int64_t total, int64_t count);

/// How many values are at least `floor`.
int64_t count_from(std::span<const float> values, float floor);

/// Their indices, ascending.
std::vector<int32_t> indices_from(std::span<const float> values, float floor);

/// Indices of the `count` largest values, or all, ascending; ties to the lower index.
std::vector<int32_t> largest(std::span<const float> values, int64_t count);
/// The same to `chosen`, which has room for them; without memory of its own for a few of a short
/// row. Returns how many.
int64_t largest(std::span<const float> values, int64_t count, int32_t* chosen);

/// The same by falling value, one a pass over the row: for a few, count <= values.size(). False
/// where one of them would be NaN or -infinity.
bool falling_largest(std::span<const float> values, int64_t count, int32_t* chosen);

/// Copies the values >= floor to `kept` and their indices to `places`, which have room for one
/// vector of floats more than all. Value i has indices[i], or first + i where that is null; `kept`
/// and `places` may be `values` and `indices`. Returns how many.
int64_t keep_places(std::span<const float> values, const int32_t* indices, int64_t first,
                    float floor, float* kept, int32_t* places);

}  // namespace vidattn
