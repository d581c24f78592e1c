#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "attention/tensor.h"

/// Means of blocks straight from their definition, for tests that hold a method against its own.
namespace vidattn {

using Rows = std::vector<std::vector<double>>;

/// [block][channel] of one head, of the tokens i with label[i] = block.
inline Rows slow_means(const Tensor& tensor, int64_t head, const std::vector<int64_t>& label) {
  const int64_t count = *std::max_element(label.begin(), label.end()) + 1;
  Rows means(count, std::vector<double>(tensor.dim()));
  for (int64_t b = 0; b < count; ++b) {
    const auto size = static_cast<double>(std::count(label.begin(), label.end(), b));
    for (size_t i = 0; i < label.size(); ++i)
      for (int64_t c = 0; c < tensor.dim() && label[i] == b; ++c)
        means[b][c] += tensor.at(static_cast<int64_t>(i), head, c) / size;
  }
  return means;
}

/// How many of the scores are better than that of `at`: larger, or equal and before it.
inline int64_t rank_of(const std::vector<double>& scores, size_t at) {
  int64_t better = 0;
  for (size_t other = 0; other < scores.size(); ++other)
    better += scores[other] > scores[at] || (scores[other] == scores[at] && other < at);
  return better;
}

}  // namespace vidattn
