#include "harness/measure/timing.h"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <memory>
#include <numeric>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/clock.h"
#include "harness/host/interrupt.h"
#include "harness/host/preflight.h"
#include "harness/host/progress.h"
#include "harness/host/random.h"
#include "harness/measure/verify.h"
#include "metrics/machine/peak.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

// Warm-up has settled when each contender's last rounds lie within this share of their median. It
// gives up, and says so, after a share of the budget or a number of rounds.
constexpr size_t kSettledRounds = 3;
constexpr double kSettledSpread = 0.05;
constexpr double kWarmupShare = 0.25;
constexpr size_t kMaxWarmupRounds = 20;

// Where other programs share the cores, a run of some milliseconds is either undisturbed or takes
// several times as long. Of this many runs, interleaved with the others', one is almost always
// undisturbed. Longer runs average such disturbances, and a block has but one of them.
constexpr double kMaxRounds = 16;
constexpr double kBlockSeconds = 0.2;

// Multiply-adds run about as long as the first case, so that they are disturbed as likely; beyond
// 20 ms they would only cost time. Runs below 2 ms are left without: half of their time is waking
// threads and a clock that is still changing, and their ratio was seen to jump by 20% on an idle
// machine.
constexpr double kLeastFedSeconds = 2e-3, kMostFedSeconds = 20e-3;

// The peak is measured again when the last figure is this old.
constexpr double kPeakAge = 0.3;

/// Writes more memory than the caches hold, from every thread.
class Eviction {
 public:
  explicit Eviction(bool wanted) {
    constexpr long kLeast = 64L << 20;
    if (wanted) bytes_ = std::max(kLeast, 2 * sysconf(_SC_LEVEL3_CACHE_SIZE));
    if (wanted) memory_ = std::make_unique<char[]>(bytes_);
  }
  void operator()() {
    const int threads = omp_get_max_threads();
    const int64_t share = bytes_ / threads;
    ++value_;
#pragma omp parallel num_threads(threads)
    if (share > 0) std::memset(memory_.get() + omp_get_thread_num() * share, value_, share);
  }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
  std::unique_ptr<char[]> memory_;
  char value_ = 0;
};

/// Runs contenders one by one; the output is shared, so that timing touches no fresh pages.
class Bench {
 public:
  explicit Bench(bool cold) : evict_(cold) {}

  /// Seconds of planning and of running.
  std::pair<double, double> run(const Case& c) {
    evict_();
    Plan plan;
    const double planning = seconds_of([&] { plan = make_plan(c); });
    const double running = seconds_of([&] { c.device->run(plan, c.in, out_); });
    return {planning, c.scale_up * running};
  }
  int64_t evicted_bytes() const { return evict_.bytes(); }
  /// Whether the last run was on the host's processor.
  bool on_host() const { return !(out_.times.device > 0); }

 private:
  Eviction evict_;
  Output out_;
};

bool settled(const std::vector<double>& times) {
  if (times.size() < kSettledRounds) return false;
  const std::vector<double> last(times.end() - kSettledRounds, times.end());
  const auto [low, high] = std::minmax_element(last.begin(), last.end());
  return *high - *low <= kSettledSpread * median(last);
}

struct WarmUp {
  size_t rounds = 0;
  bool settled = false;
  double seconds = 0;
  double fastest_round = INFINITY;  ///< wall time, eviction included
  double fastest_run = INFINITY;    ///< of the first contender, without planning
};

WarmUp warm_up(Bench& bench, const std::vector<Case*>& contenders, double budget) {
  WarmUp w;
  const auto start = Clock::now();
  std::vector<std::vector<double>> times(contenders.size());
  while (!w.settled && w.rounds < kMaxWarmupRounds &&
         (seconds_since(start) < kWarmupShare * budget || w.rounds == 0)) {
    const auto round = Clock::now();
    for (size_t i = 0; i < contenders.size(); ++i) {
      const auto [plan, run] = bench.run(*contenders[i]);
      times[i].push_back(plan + run);
      if (i == 0) w.fastest_run = std::min(w.fastest_run, run);
    }
    w.fastest_round = std::min(w.fastest_round, seconds_since(round));
    w.settled = std::all_of(times.begin(), times.end(), settled);
    ++w.rounds;
  }
  w.seconds = seconds_since(start);
  return w;
}

std::vector<size_t> shuffled(size_t count, Random& random) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  return order;
}

/// How the blocks of a process are made.
struct BlockShape {
  int rounds = 1;
  double fed_gflop = 0;  ///< of the multiply-adds in each round; 0 = none
};

BlockShape shape_blocks(const Bench& bench, const WarmUp& warm, const TimingOptions& options) {
  BlockShape shape;
  double round = warm.fastest_round;
  if (bench.on_host() && warm.fastest_run >= kLeastFedSeconds) {
    constexpr double kTrialGflop = 0.1;
    const double seconds = std::min(warm.fastest_run, kMostFedSeconds);
    shape.fed_gflop = seconds * fed_fma_gflops(omp_get_max_threads(), kTrialGflop);
    round += seconds;
  }
  const double block =
      std::min(kBlockSeconds, options.seconds / static_cast<double>(options.min_blocks));
  shape.rounds = static_cast<int>(std::clamp(block / round, 1.0, kMaxRounds));
  return shape;
}

/// One block: every contender's fastest run of its rounds; the last contender is the dense control.
/// Returns the fastest rate of the multiply-adds, in GFLOP/s.
double run_block(Bench& bench, const std::vector<Case*>& contenders, int64_t index, double peak,
                 const BlockShape& shape, Random& random) {
  std::vector<Block> blocks(contenders.size());
  double fed = 0;
  for (int round = 0; round < shape.rounds; ++round) {
    const std::vector<size_t> order = shuffled(contenders.size(), random);
    const auto fed_place = static_cast<size_t>(random.below(static_cast<int64_t>(order.size())));
    for (size_t place = 0; place < order.size(); ++place) {
      if (shape.fed_gflop > 0 && place == fed_place)
        fed = std::max(fed, fed_fma_gflops(omp_get_max_threads(), shape.fed_gflop));
      const auto [plan, run] = bench.run(*contenders[order[place]]);
      Block& b = blocks[order[place]];
      if (round == 0) b.position = static_cast<int64_t>(place);
      if (round > 0 && plan + run >= b.seconds()) continue;
      b.plan_seconds = plan;
      b.run_seconds = run;
    }
  }
  const Block& dense = blocks.back();
  for (size_t i = 0; i < contenders.size(); ++i) {
    Case& c = *contenders[i];
    Block& b = blocks[i];
    b.index = index;
    b.dense_seconds = dense.seconds();
    b.dense_position = dense.position;
    b.peak_flops = peak;
    c.plan_seconds.push_back(b.plan_seconds);
    c.run_seconds.push_back(b.run_seconds);
    c.blocks.push_back(b);
  }
  return fed;
}

/// Half width of the widest interval, as a share of the ratio.
double widest(const std::vector<Case*>& cases) {
  double width = 0;
  for (const Case* c : cases) {
    const RatioEstimate e = estimate_ratio(log_ratios(c->blocks));
    width = std::max({width, std::expm1(e.interval.high - e.log_ratio),
                      std::expm1(e.log_ratio - e.interval.low)});
  }
  return width;
}

double peak_flops(const Bench& bench, DType dtype) {
  return bench.on_host() ? 1e9 * peak_gflops(dtype, omp_get_max_threads()) : 0;
}

}  // namespace

void check_timing(const TimingOptions& options) {
  if (options.min_blocks > options.max_blocks)
    throw InputError("min_blocks " + std::to_string(options.min_blocks) + " exceed max_blocks " +
                     std::to_string(options.max_blocks));
}

nlohmann::json time_blocks(std::vector<Case*> cases, Case& dense, const TimingOptions& options) {
  Bench bench(options.cold);
  std::vector<Case*> contenders = cases;
  contenders.push_back(&dense);
  const WarmUp warm = warm_up(bench, contenders, options.seconds);
  const BlockShape shape = shape_blocks(bench, warm, options);
  nlohmann::json record{
      {"cache", options.cold ? "cold" : "warm"},
      {"evicted_bytes", bench.evicted_bytes()},
      {"order_seed", options.seed},
      {"interval_asked", options.interval},
      {"seconds_asked", options.seconds},
      {"rounds", shape.rounds},
      {"warm_up", {{"rounds", warm.rounds}, {"settled", warm.settled}, {"seconds", warm.seconds}}}};
  std::vector<double> fed;
  Random random(options.seed);
  Progress progress("measuring", static_cast<int64_t>(1e3 * options.seconds));
  const CpuTicks ticks = cpu_ticks();
  const std::clock_t cpu = std::clock();
  const auto start = Clock::now();
  auto peak_time = start;
  double peak = peak_flops(bench, dense.dtype);
  std::string stopped;
  int64_t next_look = options.min_blocks;  // the interval is looked at after each 10% more blocks
  for (int64_t block = 0; stopped.empty();) {
    if (seconds_since(peak_time) > kPeakAge) {
      peak = peak_flops(bench, dense.dtype);
      peak_time = Clock::now();
    }
    try {
      fed.push_back(run_block(bench, contenders, block++, peak, shape, random));
    } catch (const Cancelled&) {  // the loop ends
    }
    progress.update(std::min<int64_t>(static_cast<int64_t>(1e3 * seconds_since(start)),
                                      static_cast<int64_t>(1e3 * options.seconds)));
    if (interrupted()) stopped = "interrupted";
    if (block < options.min_blocks) continue;
    if (block == next_look) {
      next_look += 1 + block / 10;
      if (widest(cases) <= options.interval) stopped = "interval";
    }
    if (stopped.empty() && seconds_since(start) > options.seconds) stopped = "time";
    if (stopped.empty() && block >= options.max_blocks) stopped = "blocks";
  }
  for (Case* c : contenders) class_outliers(c->blocks);
  if (shape.fed_gflop > 0) record["fed_fma_gflops"] = fed;
  record["stopped_by"] = stopped;
  record["seconds"] = seconds_since(start);
  const CpuTicks ticks_now = cpu_ticks();
  record["stolen_share"] = stolen_share(ticks, ticks_now);
  record["cpus_of_others"] =
      cpus_of_others(ticks, ticks_now, static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC);
  return record;
}

}  // namespace vidattn
