#include "harness/distributed/calls/shared_call.h"

#include <algorithm>
#include <utility>

#include "harness/distributed/calls/input_gradients.h"
#include "harness/distributed/calls/ring_backward.h"
#include "harness/distributed/calls/ring_check.h"
#include "harness/distributed/calls/ring_gradient_check.h"
#include "harness/distributed/calls/shared_router.h"
#include "harness/distributed/parts/plan_parts.h"
#include "harness/distributed/ranks/session.h"
#include "metrics/plan/check/equality.h"
#include "metrics/plan/check/gradients.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

/// What this call's ranks must bring together. A router's tokens are routed apart only where all
/// tokens are routed and the call is no dense one.
PlansFrom scope_of(const BackendSpec& spec, const Inputs& own) {
  const PlansFrom scope = spec.backend->info().plans_from;
  if (scope != PlansFrom::router) return scope;
  if (spec.backend->dense(own, spec.params)) return PlansFrom::nothing;
  return own.grid.text_tokens > 0 ? PlansFrom::everything : scope;
}

std::vector<Share> blocks_of(const RankLayout& layout, int64_t tokens) {
  std::vector<Share> blocks;
  for (int part = 0; part < layout.tokens; ++part) blocks.push_back(layout.block(part, tokens));
  return blocks;
}

/// How a tensor [own,H,D] of the group's tokens becomes one of heads, or the same where the rank is
/// alone.
Tensor to_heads(const HeadExchange& exchange, const Tensor& own) {
  if (exchange.group.size() > 1) return tokens_to_heads(exchange, own);
  return Tensor::view(own.data<char>(), own.length(), own.heads(), own.dim(), own.dtype());
}

Tensor to_tokens(const HeadExchange& exchange, Tensor own) {
  return exchange.group.size() > 1 ? heads_to_tokens(exchange, own) : std::move(own);
}

}  // namespace

SharedCall::SharedCall(Communicator& world, const RankLayout& layout, const BackendSpec& spec,
                       const SharedInputs& inputs, const Device& device)
    : world_(world),
      group_(world, layout.head_group(world.rank())),
      ring_(world, layout.ring(world.rank())),
      layout_(layout),
      spec_(spec),
      inputs_(inputs),
      device_(device),
      query_blocks_(blocks_of(layout, inputs.shape.length)),
      key_blocks_(blocks_of(layout, inputs.shape.keys)) {
  layout.check(inputs.shape);
  heads_ = layout.heads_of(layout.head_part(world.rank()), inputs.shape);
  kv_heads_ = layout.kv_heads_of(layout.head_part(world.rank()), inputs.shape);
}

Traffic SharedCall::take_traffic() {
  Traffic sum = world_.take_traffic();
  sum += group_.take_traffic();
  return sum += ring_.take_traffic();
}

HeadExchange SharedCall::exchange(bool of_keys) {
  return head_exchange(group_, layout_, layout_.token_part(world_.rank()), inputs_.shape, of_keys);
}

SharedCall::Operands SharedCall::own_heads() {
  const auto exchanged = [&](const std::shared_ptr<const Tensor>& own, bool of_keys) {
    if (group_.size() == 1) return own;
    return std::make_shared<const Tensor>(tokens_to_heads(exchange(of_keys), *own));
  };
  return {exchanged(inputs_.own.q, false), exchanged(inputs_.own.k, true),
          exchanged(inputs_.own.v, true)};
}

Plan SharedCall::plan_of_own_heads(const Operands& operands, Inputs& seen) {
  seen = inputs_.own;
  seen.q = ring_.size() == 1 ? operands.q : gather_tokens(ring_, *operands.q);
  seen.k = ring_.size() == 1 ? operands.k : gather_tokens(ring_, *operands.k);
  seen.v = ring_.size() == 1 ? operands.v : gather_tokens(ring_, *operands.v);
  const auto& declared = spec_.backend->info().inputs;
  seen.extra = heads_of_extras(gather_extras(inputs_, declared, world_), declared, heads_,
                               kv_heads_, inputs_.shape);
  seen.device = &device_;
  return spec_.backend->plan(seen, spec_.params);
}

Plan SharedCall::make_plan(const Operands& operands, Inputs& seen) {
  const PlansFrom scope = scope_of(spec_, inputs_.own);
  figures_.clear();
  one_gate_.clear();
  one_table_ = spec_.backend->dense(inputs_.own, spec_.params);
  if (scope == PlansFrom::own_head) return plan_of_own_heads(operands, seen);
  CallShape of_heads = inputs_.shape;
  of_heads.heads = heads_.size();
  of_heads.kv_heads = kv_heads_.size();
  seen = without_values(of_heads, inputs_.own);
  const SharedRouter router(device_, world_);
  Inputs in;
  if (scope == PlansFrom::everything)
    in = gather_inputs(inputs_, spec_.backend->info().inputs, world_);
  else
    in = scope == PlansFrom::router ? inputs_.own : without_values(inputs_.shape, inputs_.own);
  in.device = scope == PlansFrom::router ? &router : &device_;
  const Plan plan = spec_.backend->plan(in, spec_.params);
  if (scope == PlansFrom::everything && ring_.size() > 1) seen.q = heads_of_tensor(in.q, heads_);
  figures_ = plan.figures;
  one_table_ = std::all_of(plan.branches.begin(), plan.branches.end(),
                           [](const Branch& branch) { return branch.tables.size() == 1; });
  for (const Branch& branch : plan.branches)
    one_gate_.push_back(branch.token_weight && inputs_.shape.heads > 1 &&
                        std::ssize(*branch.token_weight) == inputs_.shape.length);
  return heads_of(plan, heads_, inputs_.shape);
}

Plan SharedCall::checked_plan(const Operands& operands, Inputs& seen, bool keep) {
  Plan plan = make_plan(operands, seen);
  if (ring_.size() > 1) check_ring(plan, inputs_.own);
  if (!keep) return plan;
  const Inputs shape = without_values(shape_of(seen), inputs_.own);
  check_backward(
      plan, shape,
      Tensor::view(nullptr, shape.length(), shape.heads(), shape.value_dim(), DType::f32));
  if (ring_.size() > 1) check_ring_backward(plan, device_);
  return plan;
}

/// A gate that heads share becomes one of each head: its gradient is added up at home in the order
/// of heads, whichever rank has them.
void SharedCall::part_gates() {
  const int64_t tokens = work_.in.length(), heads = work_.in.heads();
  for (size_t b = 0; b < one_gate_.size(); ++b) {
    if (!one_gate_[b]) continue;
    auto& gate = work_.plan.branches[b].token_weight;
    std::vector<float> by_head(tokens * heads);
    for (int64_t i = 0; i < std::ssize(by_head); ++i) by_head[i] = (*gate)[i / heads];
    gate = make_list(std::move(by_head));
  }
}

void SharedCall::return_tokens(Output& out) {
  const bool keep = out.keep;
  if (group_.size() == 1 && !keep) {
    out = std::move(work_.out);
    return;
  }
  out.o = group_.size() == 1 ? work_.out.o.clone() : heads_to_tokens(exchange(false), work_.out.o);
  out.lse.clear();
  for (const std::vector<float>& lse : work_.out.lse) out.lse.push_back(at_home(lse));
}

/// [tokens of the group, own heads, …] as [own tokens, H, …].
std::vector<float> SharedCall::at_home(const std::vector<float>& of_heads) {
  if (group_.size() == 1 || of_heads.empty()) return of_heads;
  const int64_t tokens = query_blocks_[ring_.rank()].size(), heads = heads_.size();
  const Tensor own = heads_to_tokens(
      exchange(false), Tensor::view(of_heads.data(), tokens, heads,
                                    std::ssize(of_heads) / (tokens * heads), DType::f32));
  return {own.data<float>(), own.data<float>() + own.size()};
}

RankTimes SharedCall::run(Output& out, EqualityCheck* check) {
  const auto start = Clock::now();
  RankTimes times;
  take_traffic();
  work_ = {};
  work_.out.keep = out.keep;
  Operands operands = own_heads();
  times.communication += take_traffic();

  auto begin = Clock::now();
  Inputs seen;
  agree(world_, [&] { work_.plan = checked_plan(operands, seen, out.keep); });
  times.for_planning = take_traffic();
  times.planning = seconds_since(begin) - times.for_planning.waited;

  Inputs& own = work_.in = inputs_.own;
  own.q = operands.q;
  own.k = operands.k;
  own.v = operands.v;
  if (ring_.size() == 1) work_.plan.validate(own);
  begin = Clock::now();
  if (ring_.size() > 1) work_.plan = queries_of(work_.plan, query_blocks_[ring_.rank()], seen);
  seen = {};
  if (out.keep) part_gates();
  times.planning += lap(begin);
  if (ring_.size() == 1) {
    device_.run(work_.plan, own, work_.out);
    times.attention = seconds_since(begin);
  } else {
    const RingTimes ring = ring_attend(ring_, work_.plan, own, key_blocks_, device_, work_.out);
    times.planning += ring.parts;
    times.attention = ring.attention;
    times.hidden = ring.hidden;
  }
  times.communication += take_traffic();
  begin = Clock::now();
  world_.barrier();
  times.waiting = seconds_since(begin);
  begin = Clock::now();
  if (check != nullptr) {
    *check = ring_.size() == 1 ? check_equality(work_.plan, own, work_.out)
                               : check_ring_equality(ring_, work_.plan, own, work_.out);
    take_traffic();
  }
  const double checking = seconds_since(begin);
  if (!out.keep) {  // before results are exchanged: less memory at once
    work_.in = {};
    operands = {};
  }
  return_tokens(out);
  times.communication += take_traffic();
  if (!out.keep) work_.out = {};
  times.total = seconds_since(start) - checking;
  return times;
}

CallShape SharedCall::part() const {
  CallShape shape = inputs_.shape;
  shape.length = query_blocks_[ring_.rank()].size();
  shape.heads = heads_.size();
  shape.kv_heads = kv_heads_.size();
  return shape;
}

Array SharedCall::mask() const {
  return plan_mask(work_.plan, without_values(part(), inputs_.own));
}

Gradients SharedCall::home_gradients(const Gradients& found) {
  Gradients home;
  home.linear = found.linear;
  for (size_t b = 0; b < found.branches.size(); ++b) {
    BranchGradients& branch = home.branches.emplace_back();
    branch.channel_weight = at_home(found.branches[b].channel_weight);
    branch.token_weight = at_home(found.branches[b].token_weight);
    if (one_gate_.empty() || !one_gate_[b]) continue;
    const std::vector<float> by_head = std::move(branch.token_weight);
    branch.token_weight.assign(inputs_.own.length(), 0);
    const int64_t heads = inputs_.shape.heads;
    for (int64_t i = 0; i < std::ssize(by_head); ++i) branch.token_weight[i / heads] += by_head[i];
  }
  return home;
}

/// The plan of all queries was cut to the own ones: it is made again.
EqualityCheck SharedCall::check_in_ring(const Tensor& d) {
  Inputs seen;
  const Plan whole = make_plan({work_.in.q, work_.in.k, work_.in.v}, seen);
  const EqualityCheck check = check_ring_gradients(
      ring_, whole, work_.plan, work_.in, {query_blocks_, key_blocks_}, device_, work_.out, d);
  take_traffic();
  return check;
}

RankTimes SharedCall::backward(const Tensor& d_o, SharedGradients& out, EqualityCheck* check) {
  const auto start = Clock::now();
  RankTimes times;
  take_traffic();
  const Tensor d = to_heads(exchange(false), d_o);
  auto begin = Clock::now();
  Gradients found;
  if (ring_.size() == 1) {
    device_.backward(work_.plan, work_.in, work_.out, d, found);
    times.attention = seconds_since(begin);
  } else {
    const RingTimes ring = ring_backward(ring_, work_.plan, work_.in, {query_blocks_, key_blocks_},
                                         device_, work_.out, d, found);
    times.planning = ring.parts;
    times.attention = ring.attention;
    times.hidden = ring.hidden;
  }
  begin = Clock::now();
  world_.barrier();
  times.waiting = seconds_since(begin);
  times.communication = take_traffic();
  if (check != nullptr)
    *check = ring_.size() == 1 ? check_gradients(device_, work_.plan, work_.in, work_.out, d)
                               : check_in_ring(d);
  out.q = to_tokens(exchange(false), std::move(found.q));
  out.k = to_tokens(exchange(true), std::move(found.k));
  out.v = to_tokens(exchange(true), std::move(found.v));
  times.communication += take_traffic();
  begin = Clock::now();
  out.inputs = shared_input_gradients(spec_, inputs_, work_.plan, home_gradients(found), world_);
  times.for_planning = take_traffic();
  times.planning += seconds_since(begin) - times.for_planning.waited;
  times.total = seconds_since(start);
  return times;
}

}  // namespace vidattn
