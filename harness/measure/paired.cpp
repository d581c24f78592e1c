#include "harness/measure/paired.h"

#include <algorithm>
#include <cmath>

#include "attention/cancel.h"
#include "harness/host/clock.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/host/random.h"
#include "harness/measure/verify.h"

namespace vidattn {
namespace {

// Where other programs share the cores, a run of a millisecond is either undisturbed or takes
// several times as long. Of 16 runs, interleaved with the other side's, one is almost always
// undisturbed (measured beside two busy loops on two cores: every injected 3% is found then, and
// none when a block is a single round). Longer runs average such disturbances.
constexpr int kMaxRounds = 8;
constexpr double kBlockSeconds = 0.1;

// Caches, page tables and the clock have settled by then.
constexpr double kWarmUpSeconds = 0.2;
constexpr int kWarmUpRuns = 2;

void wait_busily(double seconds) {
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
  }
}

/// Seconds of one run, planning included.
double run_once(Case& c, Output& out, double slowdown) {
  Plan plan;
  const double planning = seconds_of([&] { plan = make_plan(c); });
  const double running = seconds_of([&] { c.device->run(plan, c.in, out); });
  const double waiting = seconds_of([&] { wait_busily(slowdown * (planning + running)); });
  c.plan_seconds.push_back(planning);
  c.run_seconds.push_back(c.scale_up * (running + waiting));
  return planning + c.run_seconds.back();
}

/// Runs both sides in turn; returns the fastest times of the two together.
double warm_up(const Side& a, const Side& b) {
  const auto start = Clock::now();
  double fastest_a = INFINITY, fastest_b = INFINITY;
  for (int i = 0; i < kWarmUpRuns || seconds_since(start) < kWarmUpSeconds; ++i) {
    fastest_a = std::min(fastest_a, a()[0]);
    fastest_b = std::min(fastest_b, b()[0]);
  }
  return fastest_a + fastest_b;
}

void forget_times(Case& c) {
  c.plan_seconds.clear();
  c.run_seconds.clear();
}

void take_fastest(std::vector<double>& fastest, const std::vector<double>& seconds) {
  fastest.resize(seconds.size(), INFINITY);
  for (size_t i = 0; i < seconds.size(); ++i) fastest[i] = std::min(fastest[i], seconds[i]);
}

}  // namespace

double PairedBlock::log_ratio() const { return std::log(b / a); }

std::vector<std::vector<PairedBlock>> measure_paired(const Side& a, const Side& b,
                                                     const PairedOptions& options) {
  constexpr double kTicks = 1000;  // progress counts milliseconds
  Progress progress(options.label, static_cast<int64_t>(options.seconds * kTicks));
  Random coin(options.seed);
  std::vector<std::vector<PairedBlock>> cases;
  const auto start = Clock::now();
  for (int64_t block = 0; !interrupted(); ++block) {
    const double passed = seconds_since(start);
    progress.update(static_cast<int64_t>(std::min(passed, options.seconds) * kTicks));
    if (passed >= options.seconds && block >= options.min_blocks) break;
    const bool a_first = coin.bits() % 2 == 0;
    std::vector<double> seconds_a, seconds_b;
    const auto run_a = [&] { take_fastest(seconds_a, a()); };
    const auto run_b = [&] { take_fastest(seconds_b, b()); };
    try {
      for (int round = 0; round < options.rounds; ++round)
        for (const bool outer : {true, false, false, true}) outer == a_first ? run_a() : run_b();
    } catch (const Cancelled&) {
    }
    if (interrupted()) break;  // the block may be incomplete
    cases.resize(seconds_a.size());
    for (size_t i = 0; i < cases.size(); ++i)
      cases[i].push_back({a_first, seconds_a[i], seconds_b[i]});
  }
  return cases;
}

std::vector<PairedBlock> measure_pair(Case& a, Case& b, PairedOptions options, double slowdown) {
  Output out;  // one for both, so that neither has the better pages
  const Side side_a = [&] { return std::vector{run_once(a, out, 0)}; };
  const Side side_b = [&] { return std::vector{run_once(b, out, slowdown)}; };
  double round_seconds = 0;
  try {
    round_seconds = 2 * warm_up(side_a, side_b);
  } catch (const Cancelled&) {
    return {};
  }
  forget_times(a);
  forget_times(b);
  options.rounds =
      static_cast<int>(std::clamp(kBlockSeconds / round_seconds, 1.0, 1.0 * kMaxRounds));
  const auto cases = measure_paired(side_a, side_b, options);
  return cases.empty() ? std::vector<PairedBlock>{} : cases[0];
}

std::vector<double> log_ratios(const std::vector<PairedBlock>& blocks) {
  std::vector<double> ratios;
  for (const PairedBlock& block : blocks) ratios.push_back(block.log_ratio());
  return ratios;
}

}  // namespace vidattn
