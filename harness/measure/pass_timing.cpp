#include "harness/measure/pass_timing.h"

namespace vidattn {

RunTimes time_kernels(const Device& device, const Plan& plan, const Inputs& in, const Tensor* d_o,
                      Pass pass, int64_t repeat, Workspace& space) {
  RunTimes times;
  times.cpu = 0;
  space.out.keep = times_backward(pass);
  const Elapsed run =
      elapsed_each(times_forward(pass) ? repeat : 1, [&] { device.run(plan, in, space.out); });
  times.device = space.out.times;
  if (times_forward(pass)) times.run = run.seconds, times.cpu = run.cpu;
  if (!times_backward(pass)) return times;
  const Elapsed back =
      elapsed_each(repeat, [&] { device.backward(plan, in, space.out, *d_o, space.gradients); });
  times.backward = back.seconds;
  times.cpu += back.cpu;
  return times;
}

double timed_flops(const PlanStats& stats, Pass pass) {
  return (times_forward(pass) ? stats.run_flops : 0) +
         (times_backward(pass) ? stats.backward_flops : 0);
}

}  // namespace vidattn
