#include "harness/distributed/shared_call.h"

#include <utility>

#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/parts/plan_parts.h"
#include "harness/distributed/ranks/session.h"
#include "harness/distributed/ring.h"
#include "harness/distributed/shared_router.h"

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

/// Who of the group has which tokens, counted from the group's first, and which heads.
HeadExchange exchange_of(Communicator& group, const RankLayout& layout, int token_part,
                         const CallShape& shape, int64_t tokens, bool of_keys) {
  HeadExchange exchange{group, {}, {}};
  for (int part = 0; part < layout.heads; ++part) {
    exchange.tokens.push_back(layout.tokens_of(token_part * layout.heads + part, tokens));
    exchange.heads.push_back(of_keys ? layout.kv_heads_of(part, shape)
                                     : layout.heads_of(part, shape));
  }
  return exchange;
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

SharedCall::Operands SharedCall::own_heads() {
  const CallShape& shape = inputs_.shape;
  const int part = layout_.token_part(world_.rank());
  const auto exchanged = [&](const std::shared_ptr<const Tensor>& own, int64_t tokens,
                             bool of_keys) {
    if (group_.size() == 1) return own;
    const HeadExchange exchange = exchange_of(group_, layout_, part, shape, tokens, of_keys);
    return std::make_shared<const Tensor>(tokens_to_heads(exchange, *own));
  };
  return {exchanged(inputs_.own.q, shape.length, false), exchanged(inputs_.own.k, shape.keys, true),
          exchanged(inputs_.own.v, shape.keys, true)};
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
  if (scope == PlansFrom::own_head) return plan_of_own_heads(operands, seen);
  CallShape of_heads = inputs_.shape;
  of_heads.heads = heads_.size();
  of_heads.kv_heads = kv_heads_.size();
  seen = without_values(of_heads, inputs_.own);
  if (scope == PlansFrom::router) {
    const SharedRouter router(device_, world_);
    Inputs own = inputs_.own;
    own.device = &router;
    return heads_of(spec_.backend->plan(own, spec_.params), heads_, inputs_.shape);
  }
  if (scope == PlansFrom::nothing) {
    Inputs shape = without_values(inputs_.shape, inputs_.own);
    shape.device = &device_;
    return heads_of(spec_.backend->plan(shape, spec_.params), heads_, inputs_.shape);
  }
  Inputs whole = gather_inputs(inputs_, spec_.backend->info().inputs, world_);
  whole.device = &device_;
  const Plan plan = spec_.backend->plan(whole, spec_.params);
  if (ring_.size() > 1) seen.q = heads_of_tensor(whole.q, heads_);
  return heads_of(plan, heads_, inputs_.shape);
}

void SharedCall::return_tokens(Output& of_heads, Output& out) {
  if (group_.size() == 1) {
    out = std::move(of_heads);
    return;
  }
  const HeadExchange exchange = exchange_of(group_, layout_, layout_.token_part(world_.rank()),
                                            inputs_.shape, inputs_.shape.length, false);
  out.o = heads_to_tokens(exchange, of_heads.o);
  out.lse.clear();
  for (const std::vector<float>& lse : of_heads.lse) {
    const Tensor own = heads_to_tokens(
        exchange, Tensor::view(lse.data(), of_heads.o.length(), of_heads.o.heads(), 1, DType::f32));
    out.lse.emplace_back(own.data<float>(), own.data<float>() + own.size());
  }
}

RankTimes SharedCall::run(Output& out) {
  const auto start = Clock::now();
  RankTimes times;
  const auto take = [&] {
    Traffic sum = world_.take_traffic();
    sum += group_.take_traffic();
    return sum += ring_.take_traffic();
  };
  take();
  const Operands operands = own_heads();
  times.communication += take();

  auto begin = Clock::now();
  Inputs seen;
  Plan plan;
  agree(world_, [&] {
    plan = make_plan(operands, seen);
    if (ring_.size() > 1) check_ring(plan, inputs_.own);
  });
  times.for_planning = take();
  times.planning = seconds_since(begin) - times.for_planning.waited;

  Inputs own = inputs_.own;
  own.q = operands.q;
  own.k = operands.k;
  own.v = operands.v;
  Output of_heads;
  if (ring_.size() == 1) plan.validate(own);
  begin = Clock::now();
  if (ring_.size() == 1) {
    device_.run(plan, own, of_heads);
    times.attention = seconds_since(begin);
  } else {
    plan = queries_of(plan, query_blocks_[ring_.rank()], seen);
    seen = {};
    times.planning += seconds_since(begin);
    const RingTimes ring = ring_attend(ring_, plan, own, key_blocks_, device_, of_heads);
    times.planning += ring.parts;
    times.attention = ring.attention;
    times.hidden = ring.hidden;
  }
  times.communication += take();
  begin = Clock::now();
  world_.barrier();
  times.waiting = seconds_since(begin);
  return_tokens(of_heads, out);
  times.communication += take();
  times.total = seconds_since(start);
  return times;
}

}  // namespace vidattn
