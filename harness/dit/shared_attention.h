#pragma once

#include <vector>

#include "harness/distributed/calls/shared_call.h"
#include "harness/dit/method_attention.h"

namespace vidattn {

/// Visual attention of which each rank has a part. All ranks have the whole network and give the
/// same inputs; the output comes together on all of them. Under Ulysses it has the bits of one
/// process on the "cpu", in a ring it is within rounding.
class SharedAttention : public MethodAttention {
 public:
  /// `world` must outlive it.
  SharedAttention(MethodSettings settings, int64_t blocks, int64_t steps, Communicator& world,
                  const RankLayout& layout);

  /// Called by all ranks together, as MethodAttention::attend(); all throw the same InputError. The
  /// first call that is not dense is checked by each rank where it has a part; the worst counts.
  Tensor attend(int64_t block, Inputs& in) override;

  /// Sums over all calls, by rank; of what a ring hides the lowest share. Called by all together.
  std::vector<RankTimes> times() const;

 private:
  void count(const SharedCall& call, const SharedInputs& inputs);

  Communicator& world_;
  RankLayout layout_;
  RankTimes times_;
};

}  // namespace vidattn
