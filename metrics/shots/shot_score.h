#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace vidattn {

/// A shot as first and last frame, both its own.
using Scene = std::pair<int64_t, int64_t>;

struct ShotScore {
  int64_t true_positive = 0, false_positive = 0, false_negative = 0;

  double precision() const;  ///< 0 when nothing was predicted
  double recall() const;     ///< 0 when nothing was there
  double f1() const;
  ShotScore& operator+=(const ShotScore& other);
  bool operator==(const ShotScore&) const = default;
};

/// AutoShot's evaluation rule (Zhu et al. 2023, after Baraldi et al. and Gygli): the transition
/// between two neighbouring scenes reaches from the last frame of the one to the first of the
/// other, widened by half of `tolerance` - 1 frames on both sides. Going through both lists in
/// order, a predicted transition that touches the next true one is a hit and uses it up. Scores of
/// several videos are added before F1 is taken. Scenes must ascend.
ShotScore score_shots(const std::vector<Scene>& truth, const std::vector<Scene>& predicted,
                      int64_t tolerance = 2);

}  // namespace vidattn
