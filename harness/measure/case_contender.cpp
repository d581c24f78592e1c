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

Contender contender_of(const Case& c, Workspace& space) {
  return {
      c.result.setting, [&c, &space](int64_t repeat) {
        Plan plan;
        const bool planned = times_forward(c.pass());
        const Elapsed planning = elapsed_each(planned ? repeat : 1, [&] { plan = make_plan(c); });
        RunTimes times = time_kernels(*c.device, plan, c.in, c.d_o.get(), c.pass(), repeat, space);
        times.run *= c.scale_up;
        times.backward *= c.scale_up;
        times.cpu *= c.scale_up;
        if (planned) times.plan = planning.seconds, times.cpu += planning.cpu;
        plan.validate(c.in);  // every plan, in nobody's time
        return std::vector{times};
      }};
}

void take_times(Case& c, const ContenderTimes& times) {
  c.result.blocks = times.blocks();
  c.plan_seconds.clear();
  c.run_seconds.clear();
  c.backward_seconds.clear();
  c.device_times.clear();
  for (const Block& block : c.result.blocks) {
    c.plan_seconds.push_back(block.plan_seconds);
    c.run_seconds.push_back(block.run_seconds);
    c.backward_seconds.push_back(block.backward_seconds);
  }
  for (const RunTimes& run : times.runs()) c.device_times.push_back(run.device);
  c.result.runs_in_a_row = times.repeat;
  if (times.failure) note_failure(c.result, times.failure);
}

}  // namespace vidattn
