#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "attention/plan.h"

namespace vidattn {

/// A position of the query order, and the segment that holds it.
struct QueryPlace {
  int32_t segment, position;
};

/// Where each query row stands in a table: places[first[row] .. first[row+1]).
struct RowIndex {
  std::vector<int64_t> first;
  std::vector<QueryPlace> places;

  RowIndex(const HeadTable& table, int64_t rows) : first(rows + 1) {
    const auto each = [&](auto&& visit) {
      for (size_t s = 0; s < table.segments.size(); ++s)
        for (int32_t p = table.segments[s].query_begin; p < table.segments[s].query_end; ++p)
          visit(table.query_row(p), QueryPlace{static_cast<int32_t>(s), p});
    };
    each([&](int64_t row, QueryPlace) { ++first[row + 1]; });
    std::partial_sum(first.begin(), first.end(), first.begin());
    places.resize(first.back());
    std::vector<int64_t> next(first.begin(), first.end() - 1);
    each([&](int64_t row, QueryPlace place) { places[next[row]++] = place; });
  }
};

/// Appends the key rows that a query position sees in its segment.
inline void append_keys(const HeadTable& table, QueryPlace place, std::vector<int64_t>& keys) {
  const Segment& segment = table.segments[place.segment];
  for (int32_t r = segment.range_begin; r < segment.range_end; ++r)
    for (int64_t n = table.ranges[r].first(place.position);
         n < table.ranges[r].last(place.position); ++n)
      keys.push_back(table.key_row(n));
}

/// Appends those of a query row, over all segments.
inline void append_keys(const HeadTable& table, const RowIndex& index, int64_t row,
                        std::vector<int64_t>& keys) {
  for (int64_t p = index.first[row]; p < index.first[row + 1]; ++p)
    append_keys(table, index.places[p], keys);
}

/// Query row whose result a token takes, -1 for none.
inline int64_t result_row(const Branch& branch, size_t table, int64_t token) {
  return branch.output_map.empty() ? token : branch.output_map[table][token];
}

}  // namespace vidattn
