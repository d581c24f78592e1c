#include "harness/suites/runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>

#include "attention/cancel.h"
#include "attention/device.h"
#include "attention/error.h"
#include "harness/host/clock.h"
#include "harness/host/device_list.h"
#include "harness/host/environment.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/io/file.h"
#include "harness/io/text/console.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/verify.h"
#include "harness/report/run_table.h"
#include "harness/store/run_file.h"
#include "harness/suites/fitting_files.h"
#include "harness/suites/kept_results.h"
#include "harness/suites/measured_workload.h"
#include "harness/suites/refused.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/selection/step_runs.h"

namespace vidattn {
namespace {

ExitCode exit_code(const MainJob& job) {
  const std::vector<Measurement>& cases = job.run.cases;
  const auto any = [&](auto condition) {
    return std::any_of(cases.begin(), cases.end(), condition);
  };
  const auto refused = [](const Measurement& m) { return m.outcome == Outcome::refused; };
  if (any([&](const Measurement& m) { return is_failure(m.outcome) && !refused(m); }))
    return ExitCode::regression;
  if (say_refused(cases) || !job.unreadable.empty()) return ExitCode::usage;
  return any([](const Measurement& m) { return m.outcome == Outcome::mistrusted; })
             ? ExitCode::invalid
             : ExitCode::fine;
}

void print_interrupted(const std::vector<Measurement>& cases, const std::string& out) {
  const bool any =
      std::any_of(cases.begin(), cases.end(), [](const Measurement& m) { return m.timed(); });
  if (any)
    print_out("interrupted: what was measured until then is in the table{}\n",
              out.empty() ? "" : " and in " + out);
  else
    print_out("interrupted before anything was measured\n");
}

/// Leaves out values whose name stood there before, with a remark.
template <class T, class Name>
void keep_each_once(const char* option, std::vector<T>& values, const Name& name_of) {
  std::set<std::string> seen;
  std::erase_if(values, [&](const T& value) {
    const std::string name = name_of(value);
    const bool twin = !seen.insert(name).second;
    if (twin) print_err("{} {} stands there twice and is measured once\n", option, name);
    return twin;
  });
}

/// A case is measured, and kept, once. Throws InputError for unknown backends and devices.
RunOptions without_twins(RunOptions options) {
  keep_each_once("--backend", options.backends,
                 [](const std::string& b) { return parse_backend(b).essence(); });
  keep_each_once("--device", options.devices,
                 [](const std::string& d) { return find_device(d).name(); });
  keep_each_once("--dtype", options.dtypes, [](DType dtype) { return to_string(dtype); });
  std::sort(options.ranks.begin(), options.ranks.end());
  keep_each_once("--ranks", options.ranks, [](int64_t ranks) { return std::to_string(ranks); });
  keep_each_once("--density", options.densities, [](double d) { return fmt::format("{}", d); });
  return options;
}

/// A number of --steps or --layers that may have been meant for --step or --layer.
void say_what_it_is(const std::string& option, int64_t number, const char* what,
                    std::set<int64_t> of_calls) {
  of_calls.erase(-1);
  if (of_calls.size() > 1)
    print_err("--{0}s {1} is the {2} for `in run`; --{0} {1} chooses calls\n", option, number,
              what);
}

void say_meanings(const RunOptions& options, const std::vector<WorkloadRequest>& calls) {
  std::set<int64_t> layers, steps;
  for (const WorkloadRequest& request : calls)
    if (request.call) {
      layers.insert(request.call->layer);
      steps.insert(request.call->step);
    }
  if (options.steps_given) say_what_it_is("step", options.steps, "length of the run", steps);
  if (options.layers_given) say_what_it_is("layer", options.layers, "depth of the model", layers);
}

/// Everything about a run but its cases, and what only a record holds: all that could fail and is
/// known before the work. The run is named after its command.
MainJob new_job(const RunOptions& options) {
  MainJob job;
  job.steps = options.steps;
  job.layers = options.layers;
  job.densities = options.densities;
  if (!is_recorded(options)) return job;
  StoredRun& run = job.run;
  run.started = utc_now();
  run.arguments = options.arguments;
  run.suite = command_name(run.arguments);
  nlohmann::json machine = environment();
  measure_limits(machine);
  set_environment(run, JsonReader(machine));
  job.devices = device_facts(options.devices);
  return job;
}

/// Whether the calls are steps of runs, over which methods keep their state.
bool carries(const RunOptions& options, const ChosenCalls& calls) {
  const bool steps = find_workload_kind(options.workload.spec).steps != nullptr;
  return options.carry || (steps && calls.requests.size() > 1);
}

/// A kind that is a run of steps says how many there are.
void take_steps(RunOptions& options) {
  const WorkloadKind& kind = find_workload_kind(options.workload.spec);
  if (kind.steps && !options.steps_given) options.steps = kind.steps(options.workload);
}

/// The measuring of a run's calls, one after the other; only one call's tensors are held.
class CallLoop {
 public:
  CallLoop(const RunOptions& options, const ChosenCalls& calls, MainJob& job, KeptResults& results,
           Outputs& outputs)
      : options_(options),
        count_(calls.requests.size()),
        job_(job),
        results_(results),
        outputs_(outputs) {
    if (carries(options, calls))
      runs_ = step_runs(calls.requests);
    else
      alone_ = calls.requests;
    for (const Unreadable& file : calls.unreadable) leave_out({}, file);
  }

  void run() {
    for (const WorkloadRequest& request : alone_) measure_next(request, nullptr);
    for (const std::vector<WorkloadRequest>& steps : runs_) measure_steps(steps);
  }

 private:
  /// A single workload's trouble is the run's own.
  bool alone() const { return count_ == 1 && job_.unreadable.empty(); }

  /// The steps of a layer, one after the other.
  void measure_steps(const std::vector<WorkloadRequest>& steps) {
    StepState state;
    state.context = context_of(steps);
    state.run_steps = std::ssize(steps);
    state.arguments = arguments_of(steps);
    if (!options_.densities.empty() && !interrupted())
      settle_densities(options_, up_to_middle(steps), state);
    for (const WorkloadRequest& step : steps) {
      state.context.step = step_of_call(step);
      measure_next(step, &state);
    }
  }

  /// The middle step, whose density is set, and those before it where a method learns over them.
  std::vector<Workload> up_to_middle(const std::vector<WorkloadRequest>& steps) const {
    const bool learns = std::any_of(options_.backends.begin(), options_.backends.end(),
                                    [](const std::string& text) {
                                      return parse_backend(text).backend->info().learns_over_steps;
                                    });
    std::vector<Workload> some;
    for (size_t s = learns ? 0 : steps.size() / 2; s <= steps.size() / 2; ++s)
      some.push_back(make_workload(steps[s]));
    return some;
  }

  /// Where the run's layer stands in its model: a layer that nobody said is one in the middle.
  StepContext context_of(const std::vector<WorkloadRequest>& steps) const {
    StepContext context;
    const int64_t layer = layer_of_call(steps[0]);
    context.layer = layer >= 0 ? layer : options_.layers / 2;
    context.layers = std::max(options_.layers, context.layer + 1);
    context.steps = std::max(options_.steps, step_of_call(steps.back()) + 1);
    return context;
  }

  /// The workload that is the whole run.
  static std::vector<std::string> arguments_of(const std::vector<WorkloadRequest>& steps) {
    WorkloadRequest run = steps[0];
    run.capture.step = -1;
    std::vector<std::string> words = workload_arguments(run);
    if (!run.call) return words;
    std::vector<int64_t> numbers;
    for (const WorkloadRequest& step : steps) numbers.push_back(step_of_call(step));
    words.insert(words.end(), {"--step", fmt::format("{}", fmt::join(numbers, ",")), "--carry"});
    return words;
  }

  void measure_next(const WorkloadRequest& request, StepState* state) {
    if (interrupted()) return;
    measure_call(request, state);
    if (++done_ < count_) results_.keep(job_, job_.run.cases.size());
  }

  /// What keeps a call from being measured is said, and the others go on.
  void measure_call(const WorkloadRequest& request, StepState* state) {
    if (alone()) return add(job_, measure(request, {}, nullptr));
    const std::string stage = fmt::format("{} {}/{}: ", state ? "step" : "call", done_ + 1, count_);
    const std::string name = request.call ? request.call->text() : request.spec;
    try {
      add(job_, measure(request, stage, state));
    } catch (const Cancelled&) {  // by an interrupt, while it was loaded
    } catch (const InputError& error) {
      leave_out(stage, {name, error.what()});
    } catch (const std::bad_alloc& error) {
      leave_out(stage, {name, text_of(error)});
    }
  }

  MeasuredWorkload measure(WorkloadRequest request, const std::string& stage, StepState* state) {
    Workload workload = stage.empty() ? build_workload(request) : make_workload(request);
    request.carry = state != nullptr;
    if (state && workload.call) workload.call->run_steps = state->run_steps;
    if (!stage.empty()) say_notes(workload.notes, stage);
    std::function<void(MeasuredWorkload)> keep;
    if (results_.any())
      keep = [this](MeasuredWorkload so_far) {
        MainJob job = job_;
        add(job, std::move(so_far));
        results_.keep(job, job_.run.cases.size());
      };
    return measure_workload(options_, request, workload, stage, outputs_, state, keep);
  }

  /// Warnings are said of every call; what differs in numbers alone is said of one.
  void say_notes(const std::vector<std::string>& notes, const std::string& stage) {
    for (const std::string& note : notes) {
      std::string words = note;
      std::erase_if(words, [](unsigned char c) { return std::isdigit(c) != 0; });
      if (note.starts_with("warning") || said_.insert(words).second)
        print_err("{}{}\n", stage, note);
    }
  }

  static void add(MainJob& job, MeasuredWorkload measured) {
    if (job.run.cases.empty()) job.workload = std::move(measured.facts);
    for (Measurement& m : measured.cases) {
      job.repeat = std::max(job.repeat, std::ssize(m.blocks));
      job.run.cases.push_back(std::move(m));
    }
    job.fma_peak_gflops.insert(job.fma_peak_gflops.end(), measured.fma_peaks.begin(),
                               measured.fma_peaks.end());
  }

  /// Said at once, but not before anything was measured: it may be the trouble of every call, and
  /// then is the run's own.
  void leave_out(const std::string& stage, Unreadable call) {
    if (!job_.run.cases.empty())
      print_err("{}{} is left out: {}\n", stage, in_quotes(call.source), call.reason);
    job_.unreadable.push_back(std::move(call));
  }

  const RunOptions& options_;
  std::vector<WorkloadRequest> alone_;              ///< calls, each for itself
  std::vector<std::vector<WorkloadRequest>> runs_;  ///< or those of runs
  size_t count_, done_ = 0;
  MainJob& job_;
  KeptResults& results_;
  Outputs& outputs_;
  std::set<std::string> said_;
};

/// Refuses a run in which there was nothing to measure.
void require_cases(const MainJob& job) {
  const std::vector<Measurement>& cases = job.run.cases;
  const bool nothing = std::all_of(cases.begin(), cases.end(), [](const Measurement& m) {
    return m.outcome == Outcome::skipped || m.outcome == Outcome::refused;
  });
  if (!nothing || (cases.empty() && interrupted())) return;
  throw InputError("nothing can run: " +
                   (cases.empty() ? job.unreadable.front().reason : cases.front().reason));
}

/// Prints, writes and stores a job, each whatever becomes of the others.
void put_out(const MainJob& job, const RunOptions& options, KeptResults& results,
             Outputs& outputs) {
  outputs.write([&] { print_out("{}", run_text(job, options.columns)); });
  results.finish(job, outputs);
  if (job.interrupted) print_interrupted(job.run.cases, options.out);
}

}  // namespace

ExitCode run(const RunOptions& given) {
  RunOptions options = without_twins(given);
  take_steps(options);
  require_backends(options.backends);
  for (const std::string& device : options.devices)
    for (const DType dtype : options.dtypes) require_pass(options.pass, find_device(device), dtype);
  run_columns(options.columns);  // no measuring for a table that cannot be printed
  // Opened first: no measuring for a store that cannot be written.
  KeptResults results(options.out, options.db);
  const ChosenCalls calls = choose_calls(options.workload, options.calls);
  const bool of_steps = carries(options, calls);
  if (of_steps && times_backward(options.pass))
    throw InputError("--pass " + to_string(options.pass) +
                     ": the steps of a denoising run have no backward pass");
  if (of_steps) require_fitting_files(options.backends, step_runs(calls.requests));
  say_meanings(options, calls.requests);
  MainJob job = new_job(options);
  if (limits_are_wanted()) job.run.preflight = preflight();
  Outputs outputs;
  CallLoop(options, calls, job, results, outputs).run();
  require_cases(job);
  job.interrupted = interrupted();
  if (is_recorded(options) && !job.interrupted) job.run.finished = utc_now();
  put_out(job, options, results, outputs);
  return outputs.code(exit_code(job));
}

}  // namespace vidattn
