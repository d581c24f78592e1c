#include "harness/suites/measured_workload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <algorithm>
#include <map>

#include "attention/device.h"
#include "attention/error.h"
#include "harness/host/clock.h"
#include "harness/host/command_line.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/measure/case_contender.h"
#include "harness/measure/engine/engine.h"
#include "harness/measure/record/case_metrics.h"
#include "harness/measure/request.h"
#include "harness/measure/verify.h"
#include "harness/workloads/mask_file.h"
#include "metrics/machine/peak.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

/// A method whose own inputs do not fit one of several calls is refused there; the others are
/// measured. Alone, it is the run's own trouble, before any work.
Case case_of_call(const std::string& backend, const std::string& device, DType dtype,
                  const Inputs& in, bool alone) {
  Case c = new_case(backend, device, dtype, in);
  try {
    add_file_inputs(*c.spec.backend, c.spec.params, c.in);
  } catch (const InputError& error) {
    if (alone) throw;
    c.result.outcome = Outcome::refused;
    c.result.reason = error.what();
  }
  return c;
}

/// The steps before a case's own, where its density comes of them.
std::vector<Inputs> inputs_before(const Case& c, const std::vector<Inputs>& steps) {
  std::vector<Inputs> before;
  if (c.spec.backend->info().learns_over_steps)
    for (const Inputs& step : steps) before.push_back(inputs_in(step, c.dtype));
  return before;
}

/// `before` are the steps before the call that densities are set on.
std::vector<Case> make_cases(const RunOptions& options, const Inputs& original, bool alone,
                             const StepState* state, const std::vector<Inputs>& before = {}) {
  std::vector<Case> cases;
  for (DType dtype : options.dtypes) {
    Inputs in = inputs_in(original, dtype);
    if (in.context.layer < 0) in.context.layers = options.layers;
    for (const std::string& device : options.devices)
      for (const std::string& backend : options.backends) {
        Case c = case_of_call(backend, device, dtype, in, alone);
        sample_if_long(c, options.whole);
        c.ranks = options.ranks;
        if (options.densities.empty() || c.is_full() || !c.passed()) {
          cases.push_back(std::move(c));
          continue;
        }
        const std::vector<Inputs> earlier = inputs_before(c, before);
        for (double target : options.densities) {
          cases.push_back(c);
          if (state == nullptr)
            set_density(cases.back(), target, earlier);
          else
            cases.back().result.identity.density = target;
        }
      }
  }
  set_pass(cases, options.pass);
  if (state != nullptr)
    for (Case& c : cases) join_run(c, *state);
  // Full attention first: the others are compared with its output.
  std::stable_sort(cases.begin(), cases.end(),
                   [](const Case& a, const Case& b) { return a.is_full() && !b.is_full(); });
  return cases;
}

void check_all(std::vector<Case>& cases, const std::string& stage) {
  std::vector<Dense> dense;
  Progress progress(stage + "checking against the reference", static_cast<int64_t>(cases.size()));
  for (size_t i = 0; i < cases.size(); ++i) {
    if (interrupted())
      cases[i].result.outcome = Outcome::interrupted;
    else
      check_case(cases[i], dense);
    progress.update(static_cast<int64_t>(i) + 1);
  }
}

/// Peaks measured beside the blocks, in GFLOP/s: of the float32 multiply-adds, and of the unit of
/// every storage type.
struct Peaks {
  std::vector<double> fma;
  std::map<DType, std::vector<double>> of;
};

double measure_peaks(const RunOptions& options, Peaks& peaks) {
  const int threads = omp_get_max_threads();
  peaks.fma.push_back(fma_peak_gflops(threads));
  for (DType dtype : options.dtypes)
    peaks.of[dtype].push_back(dtype == DType::f32 ? peaks.fma.back() : peak_gflops(dtype, threads));
  return peaks.fma.back();
}

/// Measures the peaks again that rates lie above, before these are mistrusted. Returns whether any
/// was.
bool settle_peaks(const std::vector<Measurement>& cases, Peaks& peaks) {
  bool any = false;
  for (auto& [dtype, measured] : peaks.of) {
    double share = 0;
    for (const Measurement& m : cases)
      if (m.identity.dtype == to_string(dtype)) share = std::fmax(share, m.metric("share_of_peak"));
    if (!(share > 1)) continue;
    const double peak = highest(measured);
    measured.back() = settled_peak(
        peak, share * peak, [type = dtype] { return peak_gflops(type, omp_get_max_threads()); });
    if (dtype == DType::f32) peaks.fma.back() = measured.back();
    any = true;
  }
  return any;
}

/// A case's blocks get the peak of its storage type; none on a device other than the host.
void set_peaks(Case& c, const Peaks& peaks) {
  if (c.result.blocks.empty()) return;  // interrupted before the first one, and its peak
  const std::vector<double>& measured = peaks.of.at(c.dtype);
  const bool on_host = c.device_times.empty() || !(c.device_times.back().device > 0);
  for (Block& b : c.result.blocks)
    b.peak_flops =
        on_host ? 1e9 * measured[std::min(static_cast<size_t>(b.index), measured.size() - 1)] : 0;
}

/// "vmoba:threshold=0.4288 at 0.25": what a row is called beside others of its setting.
std::string row_name(const Case& c) {
  return with_target(short_setting(c.result.setting), c.result.identity);
}

bool equal_shares(const std::vector<Case>& a, const std::vector<Case>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Case& one, const Case& other) { return one.share == other.share; });
}

/// Whether two cases are one: the same method's, with the same plan on the same device, of as many
/// layers where it stands for several kinds. They may differ in the density asked for, or in a
/// parameter that changed nothing.
bool equal_plans(const Case& a, const Case& b) {
  return a.passed() && b.passed() && a.spec.backend == b.spec.backend && a.device == b.device &&
         a.dtype == b.dtype && a.result.plan.checksum == b.result.plan.checksum &&
         equal_shares(a.kinds, b.kinds);
}

/// The earlier case that has the measured figures of this one; null = it is timed itself.
const Case* timed_as(const std::vector<Case>& cases, const Case& c) {
  for (const Case& other : cases) {
    if (&other == &c) break;
    if (equal_plans(other, c)) return &other;
  }
  return nullptr;
}

void share_times(const Case& first, Case& c) {
  c.plan_seconds = first.plan_seconds;
  c.run_seconds = first.run_seconds;
  c.backward_seconds = first.backward_seconds;
}

/// What was measured of a plan that several cases have is that of the first.
void share_measured(const Case& first, Case& c) {
  c.result.blocks = first.result.blocks;
  c.result.runs_in_a_row = first.result.runs_in_a_row;
  c.result.outcome = first.result.outcome;
  c.result.reason = first.result.reason;
  share_times(first, c);
  c.device_times = first.device_times;
  c.extra_bytes = first.extra_bytes;
  c.setup_seconds = first.setup_seconds;
  c.validation_seconds = first.validation_seconds;
  for (size_t i = 0; i < c.kinds.size() && i < first.kinds.size(); ++i)
    share_times(first.kinds[i], c.kinds[i]);
  c.result.note +=
      (c.result.note.empty() ? short_setting(c.result.setting) + ": " : std::string("; ")) +
      "its plan is that of " + row_name(first) + ", measured once";
}

/// As many as an interval needs, and of short cases, where they cost little, some more.
void set_blocks(Policy& policy, int repeat) {
  constexpr int kMost = 10;
  constexpr double kSeconds = 3;
  policy.min_blocks = repeat > 0 ? repeat : kFewestBlocks;
  policy.max_blocks = repeat > 0 ? repeat : kMost;
  if (repeat == 0) policy.seconds = kSeconds;
}

/// Which cases are timed, and which have the plan of one of these, by their places.
struct Timed {
  std::vector<size_t> cases;
  std::vector<std::pair<size_t, size_t>> twins;  ///< a case, and the one whose figures it has
};

Timed choose_timed(const std::vector<Case>& cases) {
  Timed timed;
  for (size_t i = 0; i < cases.size(); ++i) {
    if (!cases[i].passed()) continue;
    if (const Case* first = timed_as(cases, cases[i]))
      timed.twins.emplace_back(i, first - cases.data());
    else
      timed.cases.push_back(i);
  }
  return timed;
}

/// Interleaved blocks: each runs every passing case once, so that drift hits all alike. `so_far`
/// may be empty.
Timings measure(const std::vector<Case>& cases, const Timed& timed, const RunOptions& options,
                Peaks& peaks, const std::string& stage,
                const std::function<void(const Timings&)>& so_far) {
  std::map<DType, Workspace> spaces;
  std::vector<Contender> contenders;
  for (const size_t i : timed.cases)
    contenders.push_back(contender_of(cases[i], spaces[cases[i].dtype]));
  Policy policy;
  set_blocks(policy, options.repeat);
  policy.interleaving = Interleaving::rotated;
  policy.keep_unfinished = true;  // medians of each case, not ratios within a block
  policy.peak = [&] { return measure_peaks(options, peaks); };
  policy.peak_age = 0;
  policy.label = stage + "measuring";
  policy.after_block = so_far;
  return time_contenders(contenders, policy);
}

void take_all_times(std::vector<Case>& cases, const Timed& timed, const Timings& timings,
                    const Peaks& peaks) {
  for (size_t i = 0; i < timed.cases.size(); ++i) {
    Case& c = cases[timed.cases[i]];
    take_times(c, timings.contenders[i]);
    set_peaks(c, peaks);
  }
  for (const auto& [c, first] : timed.twins) share_measured(cases[first], cases[c]);
}

/// Full attention's time of the same block, where it was measured. Devices and storage types have
/// controls of their own.
void pair_with_control(std::vector<Case>& cases) {
  for (Case& c : cases) {
    const Case* full = control_of(cases, c);
    if (full == nullptr) continue;
    std::map<int64_t, const Block*> dense;
    for (const Block& b : full->result.blocks) dense[b.index] = &b;
    for (Block& b : c.result.blocks) {
      const auto found = dense.find(b.index);
      if (found == dense.end()) continue;
      b.dense_seconds = found->second->seconds();
      b.dense_position = found->second->position;
    }
  }
}

bool runs_full(const RunOptions& options) {
  return std::any_of(options.backends.begin(), options.backends.end(), [](const std::string& text) {
    return parse_backend(text).backend->name() == "full";
  });
}

/// `vidattn run` of the case alone, its knob as it was set; beside full attention where that was in
/// the run, for errors are then over all tokens, else over a sample of them.
std::string command_of(const Case& c, const RunOptions& options,
                       const std::vector<std::string>& workload) {
  std::vector<std::string> words{"vidattn", "run"};
  const auto add = [&](const std::string& option, const std::string& value) {
    words.insert(words.end(), {option, value});
  };
  words.insert(words.end(), workload.begin(), workload.end());
  if (!c.is_full() && runs_full(options)) add("--backend", "full");
  add("--backend", c.result.setting);
  add("--device", c.device->name());
  add("--dtype", to_string(c.dtype));
  if (options.pass != Pass::forward) add("--pass", to_string(options.pass));
  if (options.repeat > 0) add("--repeat", std::to_string(options.repeat));
  if (options.steps_given) add("--steps", std::to_string(options.steps));
  if (options.layers_given) add("--layers", std::to_string(options.layers));
  if (!options.ranks.empty()) add("--ranks", fmt::format("{}", fmt::join(options.ranks, ",")));
  if (options.whole) words.emplace_back("--whole");
  return shell_line(words);
}

/// What a case is, and how it is measured.
void describe(Case& c, const RunOptions& options, const WorkloadRequest& request,
              const WorkloadFacts& facts, const StepState* state) {
  Measurement& m = c.result;
  m.identity.workload = workload_text(request);
  m.workload = facts;
  if (is_recorded(options)) m.identity.content = content_for(facts, *c.spec.backend, c.in);
  m.command = command_of(c, options, state ? state->arguments : workload_arguments(request));
  m.process.threads = omp_get_max_threads();
}

bool all_skipped(const std::vector<Case>& cases) {
  return std::all_of(cases.begin(), cases.end(), [](const Case& c) { return c.skipped(); });
}

std::vector<Measurement> results_of(std::vector<Case>& cases) {
  std::vector<Measurement> results;
  for (Case& c : cases) results.push_back(std::move(c.result));
  return results;
}

}  // namespace

void settle_densities(const RunOptions& options, const std::vector<Workload>& steps,
                      StepState& state) {
  if (options.densities.empty()) return;
  std::vector<Inputs> before;
  for (size_t s = 0; s + 1 < steps.size(); ++s) before.push_back(steps[s].inputs);
  for (const Case& c : make_cases(options, steps.back().inputs, false, nullptr, before))
    if (!c.is_full()) settle(c, state);
}

bool is_recorded(const RunOptions& options) { return !options.out.empty() || !options.db.empty(); }

MeasuredWorkload measure_workload(const RunOptions& options, const WorkloadRequest& request,
                                  const Workload& workload, const std::string& stage,
                                  Outputs& outputs, StepState* state,
                                  const std::function<void(MeasuredWorkload)>& keep) {
  const WorkloadFacts facts = workload_facts(workload, is_recorded(options));
  std::vector<Case> cases = make_cases(options, workload.inputs, stage.empty(), state);
  for (Case& c : cases) describe(c, options, request, facts, state);
  check_all(cases, stage);
  if (state != nullptr)
    for (Case& c : cases) hand_on(c, *state);
  if (all_skipped(cases)) return {facts, results_of(cases), {}};
  const Timed timed = choose_timed(cases);
  Peaks peaks;
  const auto result = [&](std::vector<Case> of, const Timings& timings) {
    take_all_times(of, timed, timings, peaks);
    pair_with_control(of);
    add_metrics(of, {options.steps, options.layers});
    return MeasuredWorkload{facts, results_of(of), peaks.fma};
  };
  auto kept = Clock::now();
  std::function<void(const Timings&)> so_far;
  if (keep)
    so_far = [&](const Timings& timings) {
      if (seconds_since(kept) < kKeepSeconds) return;
      Outputs::keep([&] { keep(result(cases, timings)); });
      kept = Clock::now();
    };
  const Timings timings = measure(cases, timed, options, peaks, stage, so_far);
  outputs.begin();
  MeasuredWorkload measured = result(cases, timings);
  if (!interrupted() && settle_peaks(measured.cases, peaks))
    return result(std::move(cases), timings);
  return measured;
}

}  // namespace vidattn
