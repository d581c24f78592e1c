#include "harness/measure/case_contender.h"

#include <new>

#include "attention/error.h"
#include "harness/host/output/thrown.h"
#include "harness/measure/verify.h"

namespace vidattn {
namespace {

void note_failure(Measurement& m, const std::exception_ptr& failure) {
  m.outcome = Outcome::failed;
  m.reason = failure_text(failure);
  try {
    std::rethrow_exception(failure);
  } catch (const std::bad_alloc& error) {
    m.outcome = Outcome::out_of_memory;
    m.reason = text_of(error);
  } catch (...) {
  }
}

}  // namespace

Contender contender_of(const Case& c, Output& out) {
  return {c.result.setting, [&c, &out](int64_t repeat) {
            Plan plan;
            RunTimes times;
            const Elapsed planning = elapsed_each(repeat, [&] { plan = make_plan(c); });
            const Elapsed running = elapsed_each(repeat, [&] { c.device->run(plan, c.in, out); });
            times.plan = planning.seconds;
            times.run = c.scale_up * running.seconds;
            times.cpu = planning.cpu + c.scale_up * running.cpu;
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
  if (times.failure) note_failure(c.result, times.failure);
}

}  // namespace vidattn
