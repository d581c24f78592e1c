#pragma once

#include "attention/device.h"
#include "harness/distributed/parts/shared_inputs.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

/// What one rank did in a call, seconds and bytes.
struct RankTimes {
  double planning = 0;    ///< the method's work and the parts of the plan, without exchanges
  Traffic for_planning;   ///< what was gathered to plan
  Traffic communication;  ///< operands and results
  double attention = 0;
  double waiting = 0;  ///< for the slowest rank, after its own attention
  double total = 0;
  double hidden = -1;  ///< share of a ring's exchanges that went on beside work; -1 without
};

/// A call that ranks share. Every rank makes one, with its own tokens; every function is called by
/// all ranks together. Under Ulysses the result has the bits that one process gets on the same
/// device, whatever the number of ranks and threads ("cpu" and "reference"); under a ring it is
/// within float32's rounding.
class SharedCall {
 public:
  /// `inputs` and `device` must outlive it. Throws InputError where the layout does not fit.
  SharedCall(Communicator& world, const RankLayout& layout, const BackendSpec& spec,
             const SharedInputs& inputs, const Device& device);

  /// Plans and attends: the own tokens' output [own,H,DV], and per branch the LSE [own,H]. What
  /// must be refused is an InputError, before attention.
  RankTimes run(Output& out);

 private:
  struct Operands {
    std::shared_ptr<const Tensor> q, k, v;
  };
  Operands own_heads();
  Plan make_plan(const Operands& operands, Inputs& seen);
  Plan plan_of_own_heads(const Operands& operands, Inputs& seen);
  void return_tokens(Output& of_heads, Output& out);

  Communicator world_, group_, ring_;
  RankLayout layout_;
  const BackendSpec& spec_;
  const SharedInputs& inputs_;
  const Device& device_;
  Share heads_, kv_heads_;
  std::vector<Share> query_blocks_, key_blocks_;  ///< of the ring
};

}  // namespace vidattn
