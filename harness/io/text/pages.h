#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace vidattn {

/// Lines of a table that a page holds in a type that one can read.
constexpr size_t kPageLines = 45;

/// Where `rows` rows are cut so that no page has more than `most` of them (at least 1) and all have
/// about as many: {first, behind the last} of each page. One page, if empty, for no rows.
inline std::vector<std::pair<size_t, size_t>> even_pages(size_t rows, size_t most) {
  const size_t count = rows == 0 ? 1 : (rows + most - 1) / most;
  std::vector<std::pair<size_t, size_t>> pages;
  for (size_t i = 0; i < count; ++i) pages.emplace_back(rows * i / count, rows * (i + 1) / count);
  return pages;
}

}  // namespace vidattn
