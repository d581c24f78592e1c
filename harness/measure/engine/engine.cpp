#include "harness/measure/engine/engine.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "attention/cancel.h"
#include "harness/host/interrupt.h"
#include "harness/measure/engine/block_draft.h"
#include "harness/measure/engine/budget_progress.h"
#include "harness/measure/engine/disturbance.h"
#include "harness/measure/engine/order.h"
#include "harness/measure/engine/runner.h"
#include "harness/measure/engine/stop_rule.h"
#include "harness/measure/engine/warm_up.h"
#include "harness/measure/engine/yardsticks.h"

namespace vidattn {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

class Engine {
 public:
  Engine(const std::vector<Contender>& contenders, const Policy& policy)
      : policy_(policy),
        now_(policy.now ? policy.now : steady_seconds),
        runner_(contenders, policy),
        order_(policy.interleaving, contenders.size(), policy.seed),
        stop_(policy) {
    for (const Contender& c : contenders) timings_.contenders.push_back({.name = c.name});
  }

  Timings measure() {
    try {
      timings_.warm_up = warm_up(runner_, policy_.warm_up, now_);
      measure_blocks();
    } catch (const Cancelled&) {  // in the warm-up
      timings_.stopped = Stop::interrupted;
    }
    note_failures();
    return measured();
  }

 private:
  /// What there is so far.
  Timings measured() const {
    Timings timings = timings_;
    timings.evicted_bytes = runner_.evicted_bytes();
    for (size_t i = 0; i < runner_.count(); ++i) {
      ContenderTimes& times = timings.contenders[i];
      times.repeat = runner_.repeat(i);
      for (CaseTimes& c : times.cases) class_outliers(c.blocks);
    }
    return timings;
  }

  void measure_blocks() {
    Yardsticks yardsticks(policy_, timings_.warm_up, now_);
    timings_.rounds = rounds_of_a_block(yardsticks.multiply_add_seconds());
    BudgetProgress progress(policy_, runner_.count());
    const Disturbance disturbance;
    const double start = now_();
    std::optional<Stop> stop;
    for (int64_t block = 0; !stop; ++block) {
      const bool whole = measure_block(block, yardsticks, progress);
      timings_.seconds = now_() - start;
      progress.after_block(timings_.seconds);
      if (interrupted())
        stop = Stop::interrupted;
      else if (!whole)
        stop = Stop::failed;
      else
        stop = stop_.after(block + 1, timings_.seconds, timings_.contenders);
      if (!stop && policy_.after_block) policy_.after_block(measured());
    }
    if (*stop != Stop::interrupted && *stop != Stop::failed) progress.finish();
    timings_.stopped = *stop;
    disturbance.note(timings_);
  }

  int64_t rounds_of_a_block(double multiply_add_seconds) const {
    const double runs = static_cast<double>(order_.runs());
    const double round = runs * timings_.warm_up.fastest_round + multiply_add_seconds;
    for (int64_t rounds = policy_.most_rounds; rounds > 1; --rounds)
      if (static_cast<double>(rounds) * round <= policy_.block_seconds) return rounds;
    return 1;
  }

  /// Returns whether the block was finished.
  bool measure_block(int64_t index, Yardsticks& yardsticks, BudgetProgress& progress) {
    if (interrupted()) return false;
    const double peak = yardsticks.peak();
    double multiply_adds = 0;
    BlockDraft draft(runner_.count());
    order_.begin_block(index);
    const bool whole = run_rounds(draft, yardsticks, progress, multiply_adds);
    note_failures();
    if (!whole && !policy_.keep_unfinished) return false;
    if (policy_.control && runner_.failed(*policy_.control)) return false;
    if (runner_.all_failed()) return false;
    if (policy_.peak) timings_.peaks.push_back(peak);
    if (yardsticks.has_multiply_adds()) timings_.multiply_adds.push_back(multiply_adds);
    const auto runs = static_cast<size_t>(timings_.rounds * order_.runs());
    draft.keep(index, 1e9 * peak, runs, timings_.contenders);
    if (policy_.control) pair_with_control(index, *policy_.control, timings_.contenders);
    return whole;
  }

  /// Returns false after an interrupt.
  bool run_rounds(BlockDraft& draft, Yardsticks& yardsticks, BudgetProgress& progress,
                  double& multiply_adds) {
    try {
      for (int64_t round = 0; round < timings_.rounds; ++round)
        multiply_adds = std::max(multiply_adds, run_round(draft, yardsticks, progress));
    } catch (const Cancelled&) {
      return false;
    }
    return true;
  }

  /// Returns the rate of the multiply-adds; 0 = none.
  double run_round(BlockDraft& draft, Yardsticks& yardsticks, BudgetProgress& progress) {
    const std::vector<size_t> order = order_.next_round();
    const size_t multiply_place = order_.place();
    double multiply_adds = 0;
    for (size_t place = 0; place < order.size(); ++place) {
      if (yardsticks.has_multiply_adds() && place == multiply_place)
        multiply_adds = yardsticks.multiply_adds();
      draft.note_place(order[place], static_cast<int64_t>(place));
      if (auto cases = runner_.run(order[place])) draft.add(order[place], std::move(*cases));
      progress.after_run();
    }
    return multiply_adds;
  }

  void note_failures() {
    for (size_t i = 0; i < runner_.count(); ++i)
      timings_.contenders[i].failure = runner_.failure(i);
  }

  const Policy& policy_;
  const std::function<double()> now_;
  ContenderRunner runner_;
  RoundOrder order_;
  StopRule stop_;
  Timings timings_;
};

}  // namespace

Timings time_contenders(const std::vector<Contender>& contenders, const Policy& policy) {
  if (contenders.empty()) return {};
  return Engine(contenders, policy).measure();
}

}  // namespace vidattn
