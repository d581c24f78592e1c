#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vidattn {

/// All indices by falling value, ties to the lower index; for values that are not NaN. A radix sort
/// by the upper halves of their bits: of a thousand probabilities a sort by comparison mistakes
/// half of its branches, and takes several times as long.
std::vector<int32_t> by_falling(std::span<const double> values);

}  // namespace vidattn
