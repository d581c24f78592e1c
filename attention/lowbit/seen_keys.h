#pragma once

#include <cstdint>
#include <vector>

#include "attention/plan.h"

namespace vidattn {

/// The key rows that some query of a branch sees, for each key head: what means and largest values
/// over keys are taken of. Rows that nobody sees (padding) may hold anything.
class SeenKeys {
 public:
  /// `heads` are the call's query heads. Takes time linear in the plan's ranges and the keys.
  SeenKeys(const Branch& branch, int64_t heads, int64_t kv_heads, int64_t keys);
  bool operator()(int64_t row, int64_t kv_head) const { return of(kv_head)[row] != 0; }
  /// [keys] of one head, 1 = seen.
  const std::vector<uint8_t>& of(int64_t kv_head) const {
    return masks_[masks_.size() == 1 ? 0 : kv_head];
  }
  bool operator==(const SeenKeys&) const = default;

 private:
  std::vector<std::vector<uint8_t>> masks_;  ///< one, or one for each key head
};

}  // namespace vidattn
