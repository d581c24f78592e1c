#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/cli/workload_options.h"
#include "harness/distributed/ranks/session.h"
#include "harness/distributed/run_distributed.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/density.h"
#include "harness/suites/runner.h"
#include "harness/suites/shards/over_ranks.h"
#include "harness/suites/suite_runner.h"
#include "harness/workloads/dit/model_file.h"

namespace vidattn::run_command {
namespace {

struct Given {
  /// Trained attention at 32,760 tokens, by a network that was trained at that length.
  WorkloadOptions workload{fmt::format("dit:{}", kLongModel)};
  RunOptions run;
  std::string densities;
  bool with_full = false;  ///< whether or not it is among the backends
  std::vector<std::string> dtypes;
  std::string pass = "forward";
  SuiteOptions suite;
  std::string shard;
  int64_t slurm_shards = 0;  ///< 0 = run; else only print the script
  DistributedRun distributed;
  bool rank_timeout = false;  ///< whether it was given
};

const std::vector<std::string> kMainBackends{"full", "moga", "stga", "moga_stga", "sta", "radial"};

/// A frontier needs the control that its speedups and errors are held against.
void add_full(std::vector<std::string>& backends) {
  if (std::none_of(backends.begin(), backends.end(), [](const std::string& text) {
        return parse_backend(text).backend->name() == "full";
      }))
    backends.insert(backends.begin(), "full");
}

RunOptions complete(const Given& given, const Arguments& arguments) {
  RunOptions run = given.run;
  run.workload = given.workload.request(run.calls);
  if (!given.densities.empty()) run.densities = parse_densities(given.densities);
  if (run.backends.empty()) run.backends = kMainBackends;
  run.backends = expand_all(run.backends);
  if (given.with_full) add_full(run.backends);
  if (!given.dtypes.empty()) run.dtypes.clear();
  for (const std::string& dtype : given.dtypes) run.dtypes.push_back(parse_dtype(dtype));
  run.pass = parse_pass(given.pass);
  run.arguments = arguments;
  return run;
}

/// A number of the run behind `in run`; a list or range chooses calls of a capture instead.
Option in_run(const std::string& name, int64_t& number, bool& given, const std::string& help,
              const std::string& alike, const std::function<void(NumberList)>& choose) {
  constexpr int64_t kMost = 100000;
  const auto take = [=, &number, &given](const std::string& text) {
    const NumberList numbers(text, name);
    const auto only = numbers.only();
    if (!only) return choose(numbers);
    if (*only < 1 || *only > kMost)
      throw InputError(fmt::format("{}: Value {} not in range 1 to {}", name, *only, kMost));
    number = *only;
    given = true;
  };
  return Option(name, take, fmt::format("{}; a list or range, as {}", help, alike))
      .shown_as(std::to_string(number));
}

std::vector<Option> main_job(Given& o) {
  RunOptions& run = o.run;
  return joined(
      {o.workload.all(),
       {Option("--backend", &run.backends, "NAME[:key=value,…]; may be repeated, or all")
            .shown_as(fmt::format("{}", fmt::join(kMainBackends, ", "))),
        Option("--density", &o.densities,
               "solve each backend's knob for these densities: 0.25, 0.1,0.2 or from:to:step"),
        in_run("--steps", run.steps, run.steps_given, "steps of the denoising run for `in run`",
               "--step", [&o](NumberList steps) { o.workload.choose_steps(std::move(steps)); }),
        in_run("--layers", run.layers, run.layers_given, "layers of the model for `in run`",
               "--layer", [&o](NumberList layers) { o.workload.choose_layers(std::move(layers)); }),
        devices_option(run.devices), dtypes_option(o.dtypes), pass_option(o.pass),
        Option("--repeat", &run.repeat,
               "timed blocks; more than 6 where they take less than 3 s together")
            .in(1, 100000)
            .shown_as("6 to 10"),
        out_option(run.out),
        Option("--carry", &run.carry,
               "the steps of a capture are a run: methods keep their state (centroids, skip lists, "
               "residuals) from each to the next; steps:N always is one"),
        Option("--ranks", &run.ranks,
               "how even the plan is over these numbers of ranks, and what they send: 2,4,8,16")
            .in(2, 4096),
        Option("--whole", &run.whole,
               "never extrapolate full attention from a sample of its rows")},
       columns_options(run.columns)});
}

/// `run SUITE`: what is measured then stands in the suite, so the main job's options are refused.
std::vector<Option> suite_options(Given& given, const std::vector<Option>& main_job) {
  SuiteOptions& suite = given.suite;
  Option name("suite", &suite.suite,
              "a suite: JSON file, or one of the ready suites quick, trained, ci, paper");
  for (const Option& option : main_job) name.excludes(option.name);
  return {name,
          Option("--resume", &suite.resume, "carry on the suite's last run").needs("suite"),
          Option("--shard", &given.shard,
                 "measure every N-th case from the I-th on, 1 to N, into a store of its own: I/N")
              .needs("suite"),
          Option("--slurm", &given.slurm_shards,
                 "print a batch script of Slurm for so many shards, and run nothing")
              .in(1, 100000)
              .needs("suite")
              .excludes("--shard")
              .excludes("--resume"),
          Option("--case-timeout", &suite.case_seconds, "seconds that a case may take")
              .positive()
              .needs("suite"),
          Option("--memory-limit", &suite.memory_gib, "GiB that a case's process may hold")
              .in(0.001, 1e6)
              .needs("suite")};
}

DistributedRun complete_distributed(const Given& given, const Arguments& arguments) {
  const RunOptions run = complete(given, arguments);
  DistributedRun distributed = given.distributed;
  if (distributed.shared_only && !run.densities.empty())
    throw RefusedByAll(
        "--density solves on the whole call, which no rank holds with --shared-only: `vidattn run "
        "--density` on fewer tokens shows the setting to give here, as --backend NAME:key=value");
  distributed.densities = run.densities;
  distributed.workload = run.workload;
  distributed.backends = run.backends;
  distributed.devices = run.devices;
  distributed.dtypes = run.dtypes;
  distributed.pass = run.pass;
  if (run.repeat > 0) distributed.repeat = run.repeat;
  distributed.out = run.out;
  distributed.arguments = arguments;
  return distributed;
}

std::vector<Option> options_of_run(Given& o) {
  const std::vector<Option> job = main_job(o);
  return joined(
      {job,
       suite_options(o, job),
       {distributed_option(o.distributed.layout,
                           {"suite", "--carry", "--whole", "--db", "--columns", "--all-columns",
                            "--steps", "--layers", "--ranks", "--shard", "--slurm"}),
        rank_timeout_option(o.distributed.patience).tells(o.rank_timeout),
        Option("--shared-only", &o.distributed.shared_only,
               "no run of one process to hold results and times against: for calls that "
               "no rank can hold; each rank checks its heads, in a ring its queries and the "
               "gradients of its rows, against the reference")
            .needs("--distributed"),
        Option("--db", &o.run.db,
               std::string("SQLite file that the run is added to; a suite's is ") + kDefaultStore +
                   " unless given")
            .written(Written::store),
        quiet_option(&o.suite.quiet)}});
}

std::vector<Option> options_of_sweep(Given& o) {
  o.densities = "0.1:0.5:0.1";
  o.with_full = true;
  return joined(
      {main_job(o),
       {Option("--db", &o.run.db, "SQLite file that the run is added to").written(Written::store),
        quiet_option(&o.suite.quiet)}});
}

ExitCode run_either(Given& given, const Arguments& arguments) {
  const bool on_ranks =
      !given.distributed.layout.empty() || (!given.suite.suite.empty() && started_ranks() > 1);
  if (given.rank_timeout && !on_ranks)
    throw RefusedByAll(
        "--rank-timeout is for ranks, which are there with --distributed, or where mpirun starts "
        "a suite");
  if (!given.distributed.layout.empty())
    return run_distributed(complete_distributed(given, arguments));
  if (given.suite.suite.empty()) {
    refuse_ranks("measure everything: --distributed shares a call");
    return run(complete(given, arguments));
  }
  SuiteOptions& suite = given.suite;
  if (!given.shard.empty()) suite.shard = parse_shard(given.shard);
  if (!given.run.db.empty())
    suite.db = given.run.db;
  else if (suite.shard)
    suite.db = shard_store(kDefaultStore, *suite.shard).string();
  suite.arguments = arguments;
  if (given.slurm_shards > 0) {
    print_slurm_script(suite, given.slurm_shards);
    return ExitCode::fine;
  }
  if (started_ranks() > 1) return run_suite_on_ranks(suite, given.distributed.patience);
  return run_suite(suite);
}

constexpr const char* kExits =
    "1 a case failed, crashed, or ran out of time or memory; 2 a case is mistrusted, or a suite's "
    "machine was unfit";

Command command(const char* name, const char* help, std::vector<Option> (*options)(Given&),
                const std::string& exits) {
  auto given = std::make_shared<Given>();
  return {name,
          help,
          options(*given),
          [given](const Arguments& arguments) { return run_either(*given, arguments); },
          true,
          exits};
}

const RegisterCommand registered_run([] {
  return command("run", "the main job: compare backends on one workload; or a suite",
                 options_of_run, exits_with_ranks(kExits));
});

const RegisterCommand registered_sweep([] {
  return command("sweep", "the frontier: compare backends at a range of densities",
                 options_of_sweep, kExits);
});

}  // namespace
}  // namespace vidattn::run_command
