#include "metrics/plan/tile_density.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "attention/parallel.h"

namespace vidattn {
namespace {

int64_t tiles_for(int64_t rows, int64_t size) { return (rows + size - 1) / size; }

/// The key tiles that one query tile touches. Each is visited once however many ranges cover it:
/// those that are in lead to the next one that is not.
class TouchedTiles {
 public:
  explicit TouchedTiles(int64_t tiles) : next_(tiles + 1) {
    std::iota(next_.begin(), next_.end(), 0);
  }

  void add(int64_t first, int64_t last) {
    for (int64_t tile = find(first); tile <= last; tile = find(tile)) {
      next_[tile] = static_cast<int32_t>(tile + 1);
      touched_.push_back(static_cast<int32_t>(tile));
    }
  }
  /// How many there were; none afterwards.
  int64_t take() {
    for (const int32_t tile : touched_) next_[tile] = tile;
    const auto count = static_cast<int64_t>(touched_.size());
    touched_.clear();
    return count;
  }

 private:
  int64_t find(int64_t tile) {
    while (next_[tile] != tile) tile = next_[tile] = next_[next_[tile]];
    return tile;
  }

  std::vector<int32_t> next_, touched_;
};

/// The keys that queries at positions [begin, end) see through a range: as it is at least one key
/// wide where a query sees any, and moves by one with the query, they are neighbours.
void add_range(const KeyRange& range, int64_t begin, int64_t end, int64_t size,
               TouchedTiles& touched) {
  const bool seen = range.band_low == KeyRange::kNoLow || range.band_high == KeyRange::kNoHigh ||
                    range.band_low <= range.band_high;
  const int64_t first = range.first(begin), last = range.last(end - 1);
  if (seen && first < last) touched.add(first / size, (last - 1) / size);
}

/// The same where keys are gathered from lists, by their rows.
void add_rows(const HeadTable& table, const KeyRange& range, int64_t begin, int64_t end,
              int64_t size, TouchedTiles& touched) {
  for (int64_t p = begin; p < end; ++p)
    for (int64_t n = range.first(p); n < range.last(p); ++n) {
      const int64_t tile = table.key_row(n) / size;
      touched.add(tile, tile);
    }
}

std::vector<const Segment*> by_query(const HeadTable& table) {
  std::vector<const Segment*> segments;
  for (const Segment& s : table.segments)
    if (s.query_begin < s.query_end && s.range_begin < s.range_end) segments.push_back(&s);
  std::sort(segments.begin(), segments.end(),
            [](const Segment* a, const Segment* b) { return a->query_begin < b->query_begin; });
  return segments;
}

/// Of all heads that use a branch's tables.
int64_t touched_by(const Branch& branch, const Inputs& in, TileShape shape) {
  const auto tables = static_cast<int64_t>(branch.tables.size());
  std::vector<int64_t> touched(tables);
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
  for (int64_t t = 0; t < tables; ++t)
    errors.catching([&] {
      touched[t] = touched_tiles(branch.tables[t], branch.operands(in).k.length(), shape);
    });
  errors.rethrow();
  return std::accumulate(touched.begin(), touched.end(), int64_t{0}) * (in.heads() / tables);
}

}  // namespace

int64_t touched_tiles(const HeadTable& table, int64_t key_rows, TileShape shape) {
  const bool lists = table.key_order && static_cast<int64_t>(table.key_order->size()) > key_rows;
  const int64_t keys = table.key_order && !lists ? table.key_order->size() : key_rows;
  const std::vector<const Segment*> segments = by_query(table);
  // Goes through the query tiles with the segments that lie in each.
  TouchedTiles touched(tiles_for(keys, shape.keys));
  std::vector<const Segment*> open;
  int64_t count = 0;
  size_t next = 0;
  for (int64_t begin = 0; next < segments.size() || !open.empty(); begin += shape.queries) {
    if (open.empty()) begin = segments[next]->query_begin / shape.queries * shape.queries;
    const int64_t end = begin + shape.queries;
    while (next < segments.size() && segments[next]->query_begin < end)
      open.push_back(segments[next++]);
    for (const Segment* s : open)
      for (int32_t r = s->range_begin; r < s->range_end; ++r) {
        const int64_t first = std::max<int64_t>(begin, s->query_begin);
        const int64_t last = std::min<int64_t>(end, s->query_end);
        if (lists)
          add_rows(table, table.ranges[r], first, last, shape.keys, touched);
        else
          add_range(table.ranges[r], first, last, shape.keys, touched);
      }
    count += touched.take();
    std::erase_if(open, [&](const Segment* s) { return s->query_end <= end; });
  }
  return count;
}

TileDensity tile_density(const Plan& plan, const Inputs& in, TileShape shape) {
  TileDensity density{.shape = shape};
  density.all =
      in.heads() * tiles_for(in.length(), shape.queries) * tiles_for(in.keys(), shape.keys);
  for (const Branch& branch : plan.branches) {
    density.touched += touched_by(branch, in, shape);
    for (int64_t h = 0; h < in.heads(); ++h) density.pairs += branch.pairs(h, in.heads());
  }
  return density;
}

}  // namespace vidattn
