#include "harness/timing.h"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>

#include "harness/case_check.h"
#include "harness/clock.h"
#include "harness/interrupt.h"
#include "harness/preflight.h"
#include "harness/progress.h"
#include "harness/random.h"
#include "metrics/peak.h"
#include "metrics/statistics.h"

namespace vidattn {
namespace {

// Warm-up has settled when each contender's last rounds lie within this share of their median. It
// gives up, and says so, after a share of the budget or a number of rounds.
constexpr size_t kSettledRounds = 3;
constexpr double kSettledSpread = 0.05;
constexpr double kWarmupShare = 0.25;
constexpr size_t kMaxWarmupRounds = 20;

// Multiply-adds of a block run as long as full attention, within these bounds: shorter ones are all
// or nothing where other programs take turns, longer ones only cost time.
constexpr double kLeastFedSeconds = 1e-3, kMostFedSeconds = 20e-3;

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

nlohmann::json warm_up(Bench& bench, const std::vector<Case*>& contenders, double budget) {
  const auto start = Clock::now();
  std::vector<std::vector<double>> times(contenders.size());
  bool done = false;
  size_t rounds = 0;
  while (!done && rounds < kMaxWarmupRounds && !interrupted() &&
         (seconds_since(start) < kWarmupShare * budget || rounds == 0)) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      const auto [plan, run] = bench.run(*contenders[i]);
      times[i].push_back(plan + run);
    }
    done = std::all_of(times.begin(), times.end(), settled);
    ++rounds;
  }
  return {{"rounds", rounds}, {"settled", done}, {"seconds", seconds_since(start)}};
}

std::vector<size_t> shuffled(size_t count, Random& random) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  return order;
}

/// One block; the last contender is the dense control. With `fed_gflop` as many multiply-adds run
/// at a random place in it. Returns their rate in GFLOP/s.
double run_block(Bench& bench, const std::vector<Case*>& contenders, int64_t index, double peak,
                 double fed_gflop, Random& random) {
  const std::vector<size_t> order = shuffled(contenders.size(), random);
  const auto fed_place = static_cast<size_t>(random.below(static_cast<int64_t>(order.size())));
  double fed = NAN;
  std::vector<Block> blocks(contenders.size());
  for (size_t place = 0; place < order.size(); ++place) {
    if (fed_gflop > 0 && place == fed_place) fed = fed_fma_gflops(omp_get_max_threads(), fed_gflop);
    Block& b = blocks[order[place]];
    b.position = static_cast<int64_t>(place);
    std::tie(b.plan_seconds, b.run_seconds) = bench.run(*contenders[order[place]]);
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

/// As many multiply-adds as take about as long as full attention took.
double fed_work(double dense_seconds) {
  const double rate = fed_fma_gflops(omp_get_max_threads(), 0.1);
  return rate * std::clamp(dense_seconds, kLeastFedSeconds, kMostFedSeconds);
}

double peak_flops(const Case& c) {
  return c.device->name() == "cpu" ? 1e9 * peak_gflops(c.dtype, omp_get_max_threads()) : 0;
}

}  // namespace

nlohmann::json time_blocks(std::vector<Case*> cases, Case& dense, const TimingOptions& options) {
  Bench bench(options.cold);
  std::vector<Case*> contenders = cases;
  contenders.push_back(&dense);
  nlohmann::json record{{"cache", options.cold ? "cold" : "warm"},
                        {"evicted_bytes", bench.evicted_bytes()},
                        {"order_seed", options.seed},
                        {"interval_asked", options.interval},
                        {"seconds_asked", options.seconds},
                        {"warm_up", warm_up(bench, contenders, options.seconds)}};
  const auto dense_start = Clock::now();
  bench.run(dense);
  const double fed_gflop = bench.on_host() ? fed_work(seconds_since(dense_start)) : 0;
  std::vector<double> fed;
  Random random(options.seed);
  Progress progress("measuring", static_cast<int64_t>(1e3 * options.seconds));
  const CpuTicks ticks = cpu_ticks();
  const auto start = Clock::now();
  auto peak_time = start;
  double peak = peak_flops(dense);
  std::string stopped;
  int64_t next_look = options.min_blocks;  // the interval is looked at after each 10% more blocks
  for (int64_t block = 0; stopped.empty();) {
    if (seconds_since(peak_time) > kPeakAge) {
      peak = peak_flops(dense);
      peak_time = Clock::now();
    }
    fed.push_back(run_block(bench, contenders, block++, peak, fed_gflop, random));
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
  if (fed_gflop > 0) record["fed_fma_gflops"] = fed;
  record["stopped_by"] = stopped;
  record["seconds"] = seconds_since(start);
  record["stolen_share"] = stolen_share(ticks, cpu_ticks());
  return record;
}

}  // namespace vidattn
