#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vidattn {

/// Indices of the `count` largest values, by falling value, ties to the lower index.
std::vector<int32_t> top_k(std::span<const float> values, int64_t count);
std::vector<int32_t> top_k(std::span<const double> values, int64_t count);
/// The same to `chosen`, which has room for them; without memory of its own for a few of a short
/// row. Returns how many.
int64_t top_k(std::span<const float> values, int64_t count, int32_t* chosen);

/// What "top-p" means differs between methods: for probabilities .5 .3 .1 .1 and p = .8 they keep
/// 3, 2 and 2 blocks.
enum class TopP {
  sum_before_at_most,  ///< SVG2: keep while the sum before the entry is <= p
  sum_before_below,    ///< BSA: keep while the sum before the entry is < p
  sums_at_most,        ///< SpargeAttn: as many as there are cumulative sums <= p, at least 1
};

/// Indices kept, by falling probability (ties to the lower index), never fewer than `at_least`.
std::vector<int32_t> top_p(std::span<const double> probabilities, double p, TopP rule,
                           int64_t at_least);

/// softmax(values), optionally each exponential multiplied by a size (SVG2's weighting; an entry of
/// size 0 gets 0).
std::vector<double> softmax(std::span<const float> values, std::span<const int32_t> sizes = {});

}  // namespace vidattn
