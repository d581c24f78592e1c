#include "harness/paired.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "harness/case_check.h"
#include "harness/interrupt.h"
#include "harness/progress.h"
#include "harness/random.h"

namespace vidattn {
namespace {

using Clock = std::chrono::steady_clock;

// Waking the threads and reading the clock cost microseconds: little against a slot of this length.
constexpr double kSlotSeconds = 2e-3;

// Caches, page tables and the clock have settled by then.
constexpr double kWarmUpSeconds = 0.2;
constexpr int kWarmUpRuns = 2;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void wait_busily(double seconds) {
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
  }
}

/// A case that is run again and again into the same output.
class TimedCase {
 public:
  TimedCase(Case& c, Output& out, double slowdown) : case_(c), out_(out), slowdown_(slowdown) {}

  /// Seconds of one run, planning included.
  double run() {
    Plan plan;
    const double planning = seconds_of([&] { plan = make_plan(case_); });
    const double running = seconds_of([&] { case_.device->run(plan, case_.in, out_); });
    const double waiting = seconds_of([&] { wait_busily(slowdown_ * (planning + running)); });
    case_.plan_seconds.push_back(planning);
    case_.run_seconds.push_back(case_.scale_up * (running + waiting));
    return planning + case_.run_seconds.back();
  }

  /// Chooses how often a slot repeats the case, by the fastest warm-up run; forgets the warm-up.
  void warmed_up(double fastest) {
    repeats_ = std::max(1, static_cast<int>(std::ceil(kSlotSeconds / fastest)));
    case_.plan_seconds.clear();
    case_.run_seconds.clear();
  }

  std::vector<double> slot() {
    double sum = 0;
    for (int i = 0; i < repeats_; ++i) sum += run();
    return {sum / repeats_};
  }

 private:
  Case& case_;
  Output& out_;
  double slowdown_;
  int repeats_ = 1;
};

void warm_up(TimedCase& a, TimedCase& b) {
  const auto start = Clock::now();
  double fastest_a = INFINITY, fastest_b = INFINITY;
  for (int i = 0; i < kWarmUpRuns || seconds_since(start) < kWarmUpSeconds; ++i) {
    fastest_a = std::min(fastest_a, a.run());
    fastest_b = std::min(fastest_b, b.run());
  }
  a.warmed_up(fastest_a);
  b.warmed_up(fastest_b);
}

void add_slot(std::vector<std::vector<PairedBlock>>& cases, const std::vector<double>& seconds,
              std::array<double, 2> PairedBlock::*side, int nth) {
  for (size_t i = 0; i < cases.size(); ++i) (cases[i].back().*side)[nth] = seconds[i];
}

}  // namespace

double PairedBlock::log_ratio() const { return std::log(b[0] * b[1] / (a[0] * a[1])) / 2; }

std::vector<std::vector<PairedBlock>> measure_paired(const Slot& a, const Slot& b,
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
    const auto& outer = a_first ? a : b;
    const auto& inner = a_first ? b : a;
    const std::vector<double> seconds[] = {outer(), inner(), inner(), outer()};
    cases.resize(seconds[0].size());
    for (auto& blocks : cases) blocks.push_back({a_first});
    const auto outer_side = a_first ? &PairedBlock::a : &PairedBlock::b;
    const auto inner_side = a_first ? &PairedBlock::b : &PairedBlock::a;
    add_slot(cases, seconds[0], outer_side, 0);
    add_slot(cases, seconds[1], inner_side, 0);
    add_slot(cases, seconds[2], inner_side, 1);
    add_slot(cases, seconds[3], outer_side, 1);
  }
  return cases;
}

std::vector<PairedBlock> measure_pair(Case& a, Case& b, const PairedOptions& options,
                                      double slowdown) {
  Output out;  // one for both, so that neither has the better pages
  TimedCase timed_a(a, out, 0), timed_b(b, out, slowdown);
  warm_up(timed_a, timed_b);
  auto cases =
      measure_paired([&] { return timed_a.slot(); }, [&] { return timed_b.slot(); }, options);
  return cases.empty() ? std::vector<PairedBlock>{} : std::move(cases[0]);
}

std::vector<double> log_ratios(const std::vector<PairedBlock>& blocks) {
  std::vector<double> ratios;
  for (const PairedBlock& block : blocks) ratios.push_back(block.log_ratio());
  return ratios;
}

}  // namespace vidattn
