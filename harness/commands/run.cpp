#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/workload_options.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/density.h"
#include "harness/suites/runner.h"
#include "harness/suites/suite_runner.h"

namespace vidattn {
namespace {

struct Options {
  WorkloadOptions workload;
  RunOptions run;
  std::string densities;
  std::vector<std::string> dtypes;
  SuiteOptions suite;
};

RunOptions complete(const Options& given, const CommandLine& line) {
  RunOptions run = given.run;
  run.workload = given.workload.request();
  if (!given.densities.empty()) run.densities = parse_densities(given.densities);
  if (run.backends.empty())
    run.backends = {"full", "moga", "moga:num_groups=20", "stga", "moga_stga"};
  run.backends = expand_all(run.backends);
  if (!given.dtypes.empty()) run.dtypes.clear();
  for (const std::string& dtype : given.dtypes) run.dtypes.push_back(parse_dtype(dtype));
  run.arguments = line.arguments;
  return run;
}

/// `run SUITE`: what is measured then stands in the suite, so the main job's options are refused.
void add_suite(CLI::App& app, SuiteOptions& suite, const std::vector<CLI::Option*>& main_job) {
  auto* name = app.add_option("suite", suite.suite,
                              "a suite: JSON file, or one of the ready suites quick, ci, paper");
  const std::vector<CLI::Option*> own = {
      app.add_flag("--resume", suite.resume, "carry on the suite's last run"),
      app.add_option("--case-timeout", suite.case_seconds, "seconds that a case may take")
          ->check(CLI::PositiveNumber),
      app.add_option("--memory-limit", suite.memory_gib, "GiB that a case's process may hold")
          ->check(CLI::PositiveNumber)};
  for (CLI::Option* option : own) option->needs(name);
  for (CLI::Option* option : main_job)
    if (option != app.get_help_ptr() && option->get_name() != "--quiet" &&
        option->get_name() != "--db")
      name->excludes(option);
}

void add(CommandLine& line, const std::string& name, const std::string& help,
         const std::string& default_densities, bool suites) {
  auto options = std::make_shared<Options>();
  options->densities = default_densities;
  RunOptions& run = options->run;
  auto* app = line.app.add_subcommand(name, help);
  options->workload.add_all(*app);
  app->add_option("--backend", run.backends, "NAME[:key=value,…]; may be repeated, or all");
  app->add_option("--density", options->densities,
                  "solve each backend's knob for these densities: 0.25, 0.1,0.2 or from:to:step")
      ->capture_default_str();
  app->add_option("--steps", run.steps, "steps of the denoising run for `in run`")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app->add_option("--layers", run.layers, "layers of the model for `in run`")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app->add_option("--device", run.devices, "device; may be repeated")->capture_default_str();
  app->add_option("--dtype", options->dtypes, "f32, bf16 or f16; may be repeated");
  app->add_option("--repeat", run.repeat, "timed blocks")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app->add_option("--out", run.out, "JSON file for everything measured");
  app->add_option("--db", run.db,
                  suites ? fmt::format("SQLite file that the run is added to; a suite's is {} "
                                       "unless given",
                                       kDefaultStore)
                         : "SQLite file that the run is added to");
  app->add_flag("--whole", run.whole, "never extrapolate full attention from a sample of its rows");
  app->add_flag("--quiet", run.quiet, "no progress");
  if (suites) add_suite(*app, options->suite, app->get_options());
  app->callback([&line, options] {
    line.action = [&line, options] {
      if (options->suite.suite.empty()) return vidattn::run(complete(*options, line));
      if (!options->run.db.empty()) options->suite.db = options->run.db;
      options->suite.quiet = options->run.quiet;
      options->suite.arguments = line.arguments;
      return run_suite(options->suite);
    };
  });
}

const RegisterCommand registered(10, [](CommandLine& line) {
  add(line, "run", "the main job: compare backends on one workload; or a suite", {}, true);
  add(line, "sweep", "the frontier: compare backends at a range of densities", "0.1:0.5:0.1",
      false);
});

}  // namespace
}  // namespace vidattn
