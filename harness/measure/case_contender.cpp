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

RunTimes times_of(const Case& c, Workspace& space, int64_t repeat) {
  Plan plan;
  const bool planned = times_forward(c.pass());
  const Elapsed planning = elapsed_each(planned ? repeat : 1, [&] { plan = make_plan(c); });
  RunTimes times = time_kernels(*c.device, plan, c.in, c.d_o.get(), c.pass(), repeat, space);
  times.run *= c.scale_up;
  times.backward *= c.scale_up;
  times.cpu *= c.scale_up;
  if (planned) times.plan = planning.seconds, times.cpu += planning.cpu;
  plan.validate(c.in);  // every plan, in nobody's time
  return times;
}

void add(RunTimes& sum, double share, const RunTimes& times) {
  sum.plan += share * times.plan;
  sum.run += share * times.run;
  sum.backward += share * times.backward;
  sum.cpu += share * times.cpu;
  for (double DeviceTimes::*part :
       {&DeviceTimes::upload, &DeviceTimes::device, &DeviceTimes::download})
    sum.device.*part += share * (times.device.*part);
}

/// Of every run, in no blocks of their own: what is paired with full attention is the mean.
void take_times_of_kinds(Case& c, const std::vector<RunTimes>& runs) {
  for (size_t i = 0; i < c.kinds.size(); ++i) {
    Case& kind = c.kinds[i];
    kind.plan_seconds.clear();
    kind.run_seconds.clear();
    kind.backward_seconds.clear();
    for (const RunTimes& run : runs) {
      kind.plan_seconds.push_back(run.kinds.at(i).plan);
      kind.run_seconds.push_back(run.kinds[i].run);
      kind.backward_seconds.push_back(run.kinds[i].backward);
    }
  }
}

}  // namespace

Contender contender_of(const Case& c, Workspace& space) {
  return {c.result.setting, [&c, &space](int64_t repeat) {
            if (c.kinds.empty()) return std::vector{times_of(c, space, repeat)};
            RunTimes mean;
            mean.cpu = 0;
            for (const Case& kind : c.kinds) {
              mean.kinds.push_back(times_of(kind, space, repeat));
              add(mean, kind.share, mean.kinds.back());
            }
            return std::vector{mean};
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
  take_times_of_kinds(c, times.runs());
  c.result.runs_in_a_row = times.repeat;
  if (times.failure) note_failure(c.result, times.failure);
}

}  // namespace vidattn
