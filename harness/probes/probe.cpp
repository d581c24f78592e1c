#include "harness/probes/probe.h"

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/measure/density.h"
#include "harness/workloads/mask_file.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

void solve(BackendSpec& spec, const Inputs& in, double target, ProbeRun& run) {
  if (spec.backend->name() == "full") return;
  run.wanted_density = target;
  DensitySolution solution = solve_density(spec, in, target);
  spec = std::move(solution.spec);
  run.note = std::move(solution.note);
}

void execute(const BackendSpec& spec, Inputs in, const ProbeOptions& options, ProbeRun& run,
             Output& output) {
  spec.backend->prepare(in, spec.params);
  for (int64_t step = 0; step < options.steps; ++step) {
    if (interrupted()) return;
    if (step > 0) in = options.next(in, output.o);
    // Planned anew: some methods prepare values, which change.
    const Plan plan = spec.backend->plan(in, spec.params);
    plan.validate(in);
    in.device->run(plan, in, output);
    if (step > 0) continue;
    run.density = plan_stats(plan, in).density;
    run.check = check_equality(plan, in, output);
    if (!run.check.passed()) break;
  }
  run.outcome = run.check.passed() ? "passed" : "failed";
  run.reason = run.check.reason;
}

}  // namespace

void run_guarded(ProbeRun& run, const std::function<void()>& work) {
  try {
    work();
  } catch (const Cancelled&) {
  } catch (const InputError& error) {
    run.outcome = "skipped";
    run.reason = error.what();
  } catch (const std::exception&) {  // one method's trouble is its own; the others go on
    run.outcome = "failed";
    run.reason = failure_text(std::current_exception());
  }
}

ProbeRun run_probe(const std::string& backend, const Inputs& inputs, const ProbeOptions& options,
                   Output& output) {
  BackendSpec spec = parse_backend(backend);
  Inputs in = inputs;
  in.device = &find_device(options.device);
  ProbeRun run{.backend = spec.text(), .outcome = "interrupted"};
  if (interrupted()) return run;
  run_guarded(run, [&] {
    add_file_inputs(*spec.backend, spec.params, in);
    if (options.density) solve(spec, in, *options.density, run);
    run.backend = spec.text();
    if (!interrupted()) execute(spec, std::move(in), options, run, output);
  });
  if (!run.passed()) output = {};
  return run;
}

}  // namespace vidattn
