#include "harness/measure/paired.h"

#include <utility>

#include "harness/measure/case_contender.h"
#include "harness/measure/engine/engine.h"

namespace vidattn {
namespace {

// Where other programs share the cores, a run of a millisecond is either undisturbed or takes
// several times as long. Of 16 runs, interleaved with the other side's, one is almost always
// undisturbed (measured beside two busy loops on two cores: every injected 3% is found then, and
// none when a block is a single round). Longer runs average such disturbances.
constexpr int64_t kMostPairedRounds = 8;
constexpr double kPairedBlockSeconds = 0.1;

// Caches, page tables and the clock have settled by then.
constexpr double kWarmUpSeconds = 0.2;
constexpr int64_t kWarmUpRounds = 2;

constexpr int64_t kMinBlocks = 10;

void wait_busily(double seconds) {
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
  }
}

Contender slowed(Contender contender, double share) {
  if (share == 0) return contender;
  contender.run = [run = std::move(contender.run), share](int64_t repeat) {
    std::vector<RunTimes> cases = run(repeat);
    for (RunTimes& times : cases)
      times.run += seconds_each(repeat, [&, wait = share * times.seconds()] { wait_busily(wait); });
    return cases;
  };
  return contender;
}

void take_runs(Case& c, const ContenderTimes& times) {
  take_times(c, times);
  c.plan_seconds.clear();
  c.run_seconds.clear();
  c.backward_seconds.clear();
  for (const RunTimes& run : times.runs()) {
    c.plan_seconds.push_back(run.plan);
    c.run_seconds.push_back(run.run);
    c.backward_seconds.push_back(run.backward);
  }
}

}  // namespace

Policy paired_policy(double seconds, uint64_t seed, std::string label) {
  Policy policy;
  policy.seconds = seconds;
  policy.min_blocks = kMinBlocks;
  policy.max_blocks = kUnlimited;
  policy.interleaving = Interleaving::mirrored;
  policy.seed = seed;
  policy.control = 0;
  policy.label = std::move(label);
  return policy;
}

Timings measure_pair(Case& a, Case& b, Policy policy, double slowdown) {
  policy.block_seconds = kPairedBlockSeconds;
  policy.most_rounds = kMostPairedRounds;
  policy.warm_up = {.least_rounds = kWarmUpRounds, .least_seconds = kWarmUpSeconds};
  Workspace space;  // one for both, so that neither has the better pages
  const Timings timings =
      time_contenders({contender_of(a, space), slowed(contender_of(b, space), slowdown)}, policy);
  take_runs(a, timings.contenders[0]);
  take_runs(b, timings.contenders[1]);
  return timings;
}

}  // namespace vidattn
