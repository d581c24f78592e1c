#include "harness/measure/case_contender.h"

#include <new>

#include "harness/measure/verify.h"

namespace vidattn {
namespace {

Outcome outcome_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    return Outcome::out_of_memory;
  } catch (...) {
    return Outcome::failed;
  }
}

}  // namespace

Contender contender_of(const Case& c, Output& out) {
  return {c.result.setting, [&c, &out](int64_t repeat) {
            Plan plan;
            RunTimes times;
            times.plan = seconds_each(repeat, [&] { plan = make_plan(c); });
            times.run = c.scale_up * seconds_each(repeat, [&] { c.device->run(plan, c.in, out); });
            times.device = out.times;
            plan.validate(c.in);  // every plan, in nobody's time
            return std::vector{times};
          }};
}

void take_times(Case& c, const ContenderTimes& times) {
  c.result.blocks = times.blocks();
  c.plan_seconds.clear();
  c.run_seconds.clear();
  c.device_times.clear();
  for (const Block& block : c.result.blocks) {
    c.plan_seconds.push_back(block.plan_seconds);
    c.run_seconds.push_back(block.run_seconds);
  }
  for (const RunTimes& run : times.runs()) c.device_times.push_back(run.device);
  c.result.runs_in_a_row = times.repeat;
  if (!times.failure) return;
  c.result.outcome = outcome_of(times.failure);
  c.result.reason = failure_text(times.failure);
}

}  // namespace vidattn
