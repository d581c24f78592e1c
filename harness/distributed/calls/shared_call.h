#pragma once

#include "attention/device.h"
#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/parts/shared_inputs.h"
#include "harness/measure/backend_spec.h"
#include "metrics/plan/check/equality.h"

namespace vidattn {

/// What one rank did in a pass of a call, seconds and bytes.
struct RankTimes {
  /// The method's work and the parts of the plan, without exchanges; backward, the gradients of
  /// gates and inputs.
  double planning = 0;
  Traffic for_planning;   ///< what was gathered to plan; backward, what gates' gradients sent
  Traffic communication;  ///< operands and results, or gradients
  double attention = 0;
  double waiting = 0;  ///< for the slowest rank, after its own attention
  double total = 0;
  double hidden = -1;  ///< share of a ring's exchanges that went on beside work; -1 without
};

/// Gradients by the own tokens.
struct SharedGradients {
  Tensor q, k, v;  ///< [own,H,D], [own keys,HK,D], [own keys,HK,DV], float32
  /// As Backend::input_gradients(): of inputs of tokens the own rows, of others the whole.
  std::map<std::string, Array> inputs;
};

/// A call that ranks share. Every rank makes one, with its own tokens; every function is called by
/// all ranks together. Under Ulysses results and the gradients of q, k, v, gates and router scores
/// have the bits that one process gets on the "cpu", whatever the number of ranks and threads (on
/// "reference" all but those of gates that heads share); under a ring they are within float32's
/// rounding, as under both what the parts of ranks are added up to: a router's layer, SLA's
/// projection.
class SharedCall {
 public:
  /// `inputs` and `device` must outlive it. Throws InputError where the layout does not fit.
  SharedCall(Communicator& world, const RankLayout& layout, const BackendSpec& spec,
             const SharedInputs& inputs, const Device& device);

  /// Plans and attends: the own tokens' output [own,H,DV], and per branch the LSE [own,H]. What
  /// must be refused is an InputError, before attention; where `out.keep` is set, also what has no
  /// gradients. `check` gets that of the own heads, in a ring of the own queries, against the
  /// reference.
  RankTimes run(Output& out, EqualityCheck* check = nullptr);

  /// After a run() with `out.keep`, for the gradient of the own tokens' output, [own,H,DV] float32.
  /// `check` gets that of the gradients of the own heads.
  RankTimes backward(const Tensor& d_o, SharedGradients& out, EqualityCheck* check = nullptr);

  /// The method's own numbers of the plan (balance losses …); none where each rank plans its heads.
  const std::map<std::string, double>& figures() const { return figures_; }
  /// The last run's plan of the own heads, in a ring for the group's queries alone.
  const Plan& plan() const { return work_.plan; }
  /// The heads, queries and keys that this plan is for.
  CallShape part() const;
  /// plan_mask() of it.
  Array mask() const;
  /// Whether one mask is that of all heads.
  bool heads_share_tables() const { return one_table_; }

 private:
  struct Operands {
    std::shared_ptr<const Tensor> q, k, v;
  };
  /// What this rank's device attended with, and what it left.
  struct Work {
    Plan plan;
    Inputs in;
    Output out;
  };
  Traffic take_traffic();
  HeadExchange exchange(bool of_keys);
  Operands own_heads();
  Plan make_plan(const Operands& operands, Inputs& seen);
  Plan plan_of_own_heads(const Operands& operands, Inputs& seen);
  Plan checked_plan(const Operands& operands, Inputs& seen, bool keep);
  void part_gates();
  void return_tokens(Output& out);
  std::vector<float> at_home(const std::vector<float>& of_heads);
  Gradients home_gradients(const Gradients& found);
  EqualityCheck check_in_ring(const Tensor& d);

  Communicator world_, group_, ring_;
  RankLayout layout_;
  const BackendSpec& spec_;
  const SharedInputs& inputs_;
  const Device& device_;
  Share heads_, kv_heads_;
  std::vector<Share> query_blocks_, key_blocks_;  ///< of the ring
  std::map<std::string, double> figures_;
  Work work_;
  /// Of each branch: its token weights are for all heads. Empty where ranks plan their heads, whose
  /// weights are theirs.
  std::vector<bool> one_gate_;
  bool one_table_ = false;  ///< in every branch, for all heads of the call
};

}  // namespace vidattn
