#include "harness/measure/timing.h"

#include <omp.h>

#include <algorithm>

#include "attention/error.h"
#include "harness/measure/case_contender.h"
#include "harness/measure/engine/engine.h"
#include "metrics/machine/peak.h"

namespace vidattn {
namespace {

// Where other programs share the cores, a run of some milliseconds is either undisturbed or takes
// several times as long. Of this many runs, interleaved with the others', one is almost always
// undisturbed. Longer runs average such disturbances, and a block has but one of them.
constexpr int64_t kMostRounds = 16;
constexpr double kBlockSeconds = 0.2;

constexpr int64_t kMostWarmUpRounds = 20;
constexpr double kWarmUpShare = 0.25;  // of the budget

Policy policy_of(const TimingOptions& options, const Output& out, DType dtype) {
  Policy p;
  p.seconds = options.seconds;
  p.interval = options.interval;
  p.min_blocks = options.min_blocks;
  p.max_blocks = options.max_blocks;
  p.block_seconds =
      std::min(kBlockSeconds, options.seconds / static_cast<double>(options.min_blocks));
  p.most_rounds = kMostRounds;
  p.seed = options.seed;
  p.warm_up = {.least_rounds = 1,
               .most_rounds = kMostWarmUpRounds,
               .most_seconds = kWarmUpShare * options.seconds};
  p.cold = options.cold;
  const auto on_host = [&out] { return !(out.times.device > 0); };  // the last run
  p.peak = [on_host, dtype] { return on_host() ? peak_gflops(dtype, omp_get_max_threads()) : 0; };
  p.multiply_adds = [on_host](double gflop) {
    return on_host() ? fed_fma_gflops(omp_get_max_threads(), gflop) : 0;
  };
  p.label = "measuring";
  return p;
}

TimingFacts facts_of(const Timings& t, const TimingOptions& options) {
  TimingFacts facts;
  facts.evicted_bytes = t.evicted_bytes;
  facts.order_seed = options.seed;
  facts.interval_asked = options.interval;
  facts.seconds_asked = options.seconds;
  facts.rounds = static_cast<int>(t.rounds);
  facts.warm_up_rounds = t.warm_up.rounds;
  facts.settled = t.warm_up.settled;
  facts.warm_up_seconds = t.warm_up.seconds;
  facts.fed_gflops = t.multiply_adds;
  facts.stopped_by = to_string(t.stopped);
  facts.seconds = t.seconds;
  facts.stolen_share = t.stolen_share;
  facts.cpus_of_others = t.cpus_of_others;
  return facts;
}

}  // namespace

void check_timing(const TimingOptions& options) {
  if (options.min_blocks > options.max_blocks)
    throw InputError("min_blocks " + std::to_string(options.min_blocks) + " exceed max_blocks " +
                     std::to_string(options.max_blocks));
}

TimingFacts time_blocks(const std::vector<Case*>& cases, Case& dense,
                        const TimingOptions& options) {
  Workspace space;
  std::vector<Case*> timed = cases;
  timed.push_back(&dense);
  std::vector<Contender> contenders;
  for (const Case* c : timed) contenders.push_back(contender_of(*c, space));
  Policy policy = policy_of(options, space.out, dense.dtype);
  policy.control = cases.size();
  const Timings timings = time_contenders(contenders, policy);
  for (size_t i = 0; i < timed.size(); ++i) take_times(*timed[i], timings.contenders[i]);
  return facts_of(timings, options);
}

}  // namespace vidattn
