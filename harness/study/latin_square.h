#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// Orders of `n` things, from 0, in which over all rows each stands in every place equally often
/// and follows every other equally often: Williams' design (1949), n rows of an even number and 2n
/// of an odd one. What is shown early or beside something bad is then nobody's fate. Empty of
/// nothing.
std::vector<std::vector<int64_t>> balanced_latin_square(int64_t n);

}  // namespace vidattn
