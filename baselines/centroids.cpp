#include "baselines/centroids.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace vidattn {
namespace {

std::shared_ptr<const List<float>> log_sizes(const std::vector<int32_t>& start) {
  std::vector<float> logs;
  for (size_t b = 0; b + 1 < start.size(); ++b)
    logs.push_back(static_cast<float>(std::log(start[b + 1] - start[b])));
  return make_list(std::move(logs));
}

}  // namespace

CentroidPlan::CentroidPlan(Order sequence, std::vector<int32_t> start, int32_t length,
                           const BlockMeans& means, DenseSpan dense)
    : sequence_(std::move(sequence)),
      start_(std::move(start)),
      length_(length),
      dense_(dense),
      exact_{.name = "exact"},
      centroid_{.name = "centroid",
                .prepared = {nullptr, means.k, means.v, nullptr, means.from, means.from},
                .key_bias = log_sizes(start_),
                .joined = true} {}

void CentroidPlan::add_routed(HeadTable& table, int64_t block,
                              const std::vector<KeyRange>& keys) const {
  const int32_t begin = start_[block], end = start_[block + 1];
  const int32_t before = std::clamp(dense_.begin, begin, end);
  const int32_t after = std::clamp(dense_.end, begin, end);
  if (begin < before) table.add(begin, before, keys);
  if (std::max(before, after) < end) table.add(std::max(before, after), end, keys);
}

void CentroidPlan::add_exact(HeadTable& table, const uint8_t* row, int64_t block) const {
  std::vector<KeyRange> keys;
  const auto add = [&](int32_t begin, int32_t end) {
    if (begin == end) return;
    if (!keys.empty() && keys.back().end == begin)
      keys.back().end = end;
    else
      keys.push_back({begin, end});
  };
  for (int64_t b = 0; b < count(); ++b)
    if (row[b]) add(start_[b], start_[b + 1]);
  add(start_.back(), length_);
  add_routed(table, block, keys);
}

void CentroidPlan::add_head(const uint8_t* map) {
  HeadTable exact, centroid;
  exact.query_order = exact.key_order = centroid.query_order = sequence_;
  for (int64_t a = 0; a < count(); ++a) {
    const uint8_t* row = map + a * count();
    add_exact(exact, row, a);
    std::vector<KeyRange> others;
    for (int32_t b = 0; b < count(); ++b) {
      if (row[b]) continue;
      if (!others.empty() && others.back().end == b)
        ++others.back().end;
      else
        others.push_back({b, b + 1});
    }
    add_routed(centroid, a, others);
  }
  if (dense_.begin < dense_.end) exact.add(dense_.begin, dense_.end, {{0, length_}});
  if (start_.back() < length_) exact.add(start_.back(), length_, {{0, length_}});
  exact_.tables.push_back(std::move(exact));
  centroid_.tables.push_back(std::move(centroid));
}

std::vector<Branch> CentroidPlan::branches() && {
  std::vector<Branch> both;
  both.push_back(std::move(exact_));
  both.push_back(std::move(centroid_));
  return both;
}

}  // namespace vidattn
