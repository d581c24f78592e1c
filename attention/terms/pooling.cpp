#include "attention/terms/pooling.h"

#include <algorithm>
#include <cmath>

namespace vidattn {
namespace {

constexpr double kSumError = 1e-3;  // of float32 weights of very many tokens

bool sums_to_one(const PoolingMap& map, int64_t row) {
  double sum = 0;
  for (int32_t i = map.start[row]; i < map.start[row + 1]; ++i) sum += map.weight_at(row, i);
  return map.start[row] == map.start[row + 1] || std::abs(sum - 1) < kSumError;
}

std::string map_fault(const PoolingMap& map, int64_t rows, int64_t tokens) {
  if (map.rows() != rows) return "has another number of rows";
  if (!map.tokens || map.start[0] != 0 || !std::is_sorted(map.start.begin(), map.start.end()) ||
      map.start.back() != static_cast<int64_t>(map.tokens->size()))
    return "has rows that are no parts of its tokens";
  if (map.weight && map.weight->size() != map.tokens->size())
    return "has another number of weights than tokens";
  for (const int32_t token : *map.tokens)
    if (token < 0 || token >= tokens) return "leaves the tensor";
  for (int64_t r = 0; r < rows && map.weight; ++r)
    if (!sums_to_one(map, r)) return "has weights that do not sum to 1";
  return "";
}

}  // namespace

std::string pooling_fault(const std::vector<PoolingMap>& maps, const Tensor& pooled,
                          const Tensor& own) {
  if (pooled.heads() != own.heads()) return "made other heads";
  if (maps.empty() || pooled.heads() % static_cast<int64_t>(maps.size()) != 0)
    return "is not one for all heads or for equal groups of them";
  for (const PoolingMap& map : maps)
    if (std::string fault = map_fault(map, pooled.length(), own.length()); !fault.empty())
      return fault;
  return "";
}

}  // namespace vidattn
