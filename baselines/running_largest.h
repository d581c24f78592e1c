#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace vidattn {

/// The `count` largest of a row of values that comes piece by piece and never lies in memory: each
/// piece is held against the smallest value that can still be among them while it is in a core's
/// cache. Chooses as largest() does. Memory is kept from row to row.
class RunningLargest {
 public:
  static constexpr int64_t kPiece = 512;  ///< values of a piece at most

  /// A row of which values below `floor` are left out: a guess that spares most of them.
  void begin(int64_t count, float floor = -std::numeric_limits<float>::infinity());
  /// The values at first, first + 1 …; pieces come in ascending order.
  void add(std::span<const float> piece, int64_t first);
  /// Indices of the `count` largest values added, or all, ascending; ties to the lower index, a NaN
  /// is smaller than every number. Empty where the floor was too high: fewer values reached it.
  std::vector<int32_t> finish();

  static int64_t bytes(int64_t count) { return capacity(count) * 8; }

 private:
  static int64_t capacity(int64_t count) { return count + count / 2 + 2 * kPiece; }
  /// Leaves the `count` largest; what comes later must exceed them.
  void prune();

  int64_t count_ = 0, size_ = 0, added_ = 0;
  float floor_ = 0;
  bool guessed_ = false;
  std::vector<float> values_;
  std::vector<int32_t> indices_;
};

}  // namespace vidattn
