#include "harness/measure/cases/beside_full.h"

#include <fmt/format.h>

#include "harness/measure/record/case_metrics.h"
#include "harness/measure/verify.h"

namespace vidattn {
namespace {

/// What becomes of a correct case whose dense control has no times.
void blame_control(Measurement& m, const Measurement& dense) {
  const bool same =
      dense.outcome == Outcome::interrupted || dense.outcome == Outcome::out_of_memory;
  m.outcome = same ? dense.outcome : Outcome::failed;
  m.reason = fmt::format("the dense control {}: {}", to_string(dense.outcome), dense.reason);
}

}  // namespace

void set_up(std::vector<Case>& cases, const CaseSetup& setup) {
  for (size_t i = 0; i < cases.size(); ++i) {
    Case& c = cases[i];
    sample_if_long(c, setup.whole);
    if (i > 0 && setup.density && !c.is_full()) set_density(c, *setup.density);
  }
  set_pass(cases, setup.pass);
}

void measure_beside_full(std::vector<Case>& cases, const TimingOptions& timing) {
  std::vector<Dense> full_outputs;
  for (Case& c : cases) check_case(c, full_outputs);
  Case& dense = cases.front();
  std::vector<Case*> timed;
  for (size_t i = 1; i < cases.size(); ++i)
    if (cases[i].passed()) timed.push_back(&cases[i]);
  if (dense.passed()) {
    if (!timed.empty()) add_metrics(cases, {}, time_blocks(timed, dense, timing));
    return;
  }
  for (Case* c : timed) blame_control(c->result, dense.result);
}

}  // namespace vidattn
