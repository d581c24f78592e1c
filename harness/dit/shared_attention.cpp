#include "harness/dit/shared_attention.h"

#include <algorithm>
#include <utility>

#include "harness/distributed/ranks/session.h"
#include "harness/host/clock.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

void add_times(RankTimes& sum, const RankTimes& call) {
  sum.planning += call.planning;
  sum.for_planning += call.for_planning;
  sum.communication += call.communication;
  sum.attention += call.attention;
  sum.waiting += call.waiting;
  sum.total += call.total;
  if (call.hidden >= 0)
    sum.hidden = sum.hidden < 0 ? call.hidden : std::min(sum.hidden, call.hidden);
}

/// That of the rank which is furthest from the reference, in units of what is allowed it.
EqualityCheck worst_of(Communicator& world, const EqualityCheck& own) {
  const std::vector<double> error = world.all_gather(own.error),
                            limit = world.all_gather(own.limit);
  const std::vector<int64_t> rows = world.all_gather(own.rows);
  const std::vector<std::string> reason = world.all_gather(own.reason);
  EqualityCheck worst;
  for (int r = 0; r < world.size(); ++r) add_check(worst, {rows[r], error[r], limit[r], reason[r]});
  return worst;
}

}  // namespace

SharedAttention::SharedAttention(MethodSettings settings, int64_t blocks, int64_t steps,
                                 Communicator& world, const RankLayout& layout)
    : MethodAttention(std::move(settings), blocks, steps), world_(world), layout_(layout) {}

Tensor SharedAttention::attend(int64_t block, Inputs& in) {
  const BackendSpec& spec = settings().spec;
  std::optional<SharedInputs> own;
  agree(world_, [&] {
    prepare(block, in);
    own = share_inputs(in, spec.backend->info().inputs, layout_, world_.rank());
  });
  SharedCall call(world_, layout_, spec, *own, *settings().device);
  const bool unchecked = check_.rows == 0 && !spec.backend->dense(in, spec.params);
  EqualityCheck check;
  Output out;
  const Clock::time_point start = Clock::now();
  const RankTimes times = call.run(out, unchecked ? &check : nullptr);
  const double checking = seconds_since(start) - times.total;
  add_times(times_, times);
  costs_.plan_seconds += times.planning + times.for_planning.waited;
  Clock::time_point time = Clock::now();
  const auto all = gather_tokens(world_, out.o);
  times_.communication += world_.take_traffic();
  const double gathering = lap(time);
  times_.total += gathering;
  costs_.run_seconds += times.total - times.planning - times.for_planning.waited + gathering;
  if (unchecked) check_ = worst_of(world_, check);
  count(call, *own);
  costs_.aside_seconds += checking + seconds_since(time);
  return all->to(DType::f32);
}

/// Each rank has the pairs of its heads and queries.
void SharedAttention::count(const SharedCall& call, const SharedInputs& inputs) {
  const CallShape part = call.part(), &shape = inputs.shape;
  const double own = plan_stats(call.plan(), without_values(part, inputs.own)).density *
                     static_cast<double>(part.heads * part.length);
  double density = 0;
  for (const double pairs : world_.all_gather(own)) density += pairs;
  add_density(density / static_cast<double>(shape.heads * shape.length));
}

std::vector<RankTimes> SharedAttention::times() const {
  return all_gather_values(world_, std::vector{times_});
}

}  // namespace vidattn
