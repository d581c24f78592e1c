#pragma once

#include <ctime>

#include "harness/host/preflight.h"
#include "harness/measure/engine/timings.h"

namespace vidattn {

/// What others took of the CPUs since this was made.
class Disturbance {
 public:
  void note(Timings& timings) const {
    const CpuTicks now = cpu_ticks();
    const double own = static_cast<double>(std::clock() - cpu_) / CLOCKS_PER_SEC;
    timings.stolen_share = stolen_share(ticks_, now);
    timings.cpus_of_others = cpus_of_others(ticks_, now, own);
  }

 private:
  const CpuTicks ticks_ = cpu_ticks();
  const std::clock_t cpu_ = std::clock();
};

}  // namespace vidattn
