#include "harness/study/latin_square.h"

#include <algorithm>

namespace vidattn {

std::vector<std::vector<int64_t>> balanced_latin_square(int64_t n) {
  std::vector<std::vector<int64_t>> rows;
  for (int64_t shift = 0; shift < n; ++shift) {
    std::vector<int64_t>& row = rows.emplace_back();
    // 0, 1, n-1, 2, n-2, …: every difference of neighbours is there once.
    for (int64_t place = 0; place < n; ++place)
      row.push_back(((place % 2 ? (place + 1) / 2 : n - place / 2) + shift) % n);
  }
  if (n % 2 == 0 || n == 1) return rows;
  for (int64_t i = 0; i < n; ++i) {
    rows.push_back(rows[i]);
    std::reverse(rows.back().begin(), rows.back().end());
  }
  return rows;
}

}  // namespace vidattn
