#include "harness/tables/generation/basis.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/tables/latency/columns.h"

namespace vidattn {

double Basis::operator_seconds(int64_t groups) const {
  constexpr double kTableHeads = 12;
  return latency.value(length.label, groups == 1 ? kFullTime : time_column(groups)) * 1e-3 *
         static_cast<double>(model().heads) / kTableHeads;
}

double Basis::device_rate() const {
  const auto n = static_cast<double>(tokens);
  return 4 * n * n * static_cast<double>(model().dim) / operator_seconds(1);
}

PassTimes Basis::papers_passes(int64_t groups) const {
  return pass_times(model(), tokens, operator_seconds(groups), device_rate(), options.devices);
}

MemoryEstimate Basis::memory(int64_t groups) const {
  MemoryOptions m;
  m.devices = options.devices;
  m.branches = groups == 1 ? 1 : 3;
  return estimate_memory(model(), tokens, m);
}

DenoisingRun Basis::run() const {
  DenoisingRun r = options.run;
  r.layers = model().layers();
  return r;
}

const PaperRow& row_of(const PaperTable& latency, int64_t tokens) {
  for (const PaperRow& row : latency.rows)
    if (row.tokens == tokens) return row;
  throw InputError(fmt::format("the paper's data for table 11 has no row of {} tokens", tokens));
}

}  // namespace vidattn
