#include "harness/compare/compare.h"

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/share.h"
#include "harness/cli/workload_options.h"
#include "harness/measure/density.h"

namespace vidattn {
namespace {

struct Options {
  WorkloadOptions workload;
  CompareOptions compare;
  std::string densities, margin = "1%";
  std::vector<std::string> dtypes, binaries;
};

std::map<std::string, std::string> parse_binaries(const std::vector<std::string>& given) {
  std::map<std::string, std::string> paths;
  for (const std::string& text : given) {
    if (text.size() < 3 || text[1] != '=' || (text[0] != 'A' && text[0] != 'B'))
      throw InputError("--binary '" + text + "': expected A=PATH or B=PATH");
    paths[text.substr(0, 1)] = text.substr(2);
  }
  if (!paths.empty() && paths.size() != 2)
    throw InputError("--binary needs both, A=PATH and B=PATH");
  return paths;
}

CompareOptions complete(const Options& given, const CommandLine& line) {
  CompareOptions compare = given.compare;
  compare.workload = given.workload.request();
  if (!given.densities.empty()) compare.densities = parse_densities(given.densities);
  if (!given.dtypes.empty()) compare.dtypes.clear();
  for (const std::string& dtype : given.dtypes) compare.dtypes.push_back(parse_dtype(dtype));
  compare.binaries = parse_binaries(given.binaries);
  compare.rule.margin = parse_share(given.margin, "--margin");
  compare.arguments = line.arguments;
  return compare;
}

const RegisterCommand registered(60, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  CompareOptions& compare = options->compare;
  auto* app = line.app.add_subcommand(
      "compare", "A against B, in paired blocks: two backends, two stored runs, or two programs");
  app->add_option(
         "sides", compare.sides,
         "A and B: two backends NAME[:key=value,…], two files of `run --out`, or two stored "
         "runs run:NAME; with --binary the backends that both programs run")
      ->required();
  app->add_option("--binary", options->binaries, "A=PATH and B=PATH of two vidattn programs");
  options->workload.add_all(*app);
  app->add_option("--density", options->densities,
                  "solve both knobs for these densities: 0.25, 0.1,0.2 or from:to:step");
  app->add_option("--device", compare.devices, "device; may be repeated")->capture_default_str();
  app->add_option("--dtype", options->dtypes, "f32, bf16 or f16; may be repeated");
  app->add_option(
         "--time", compare.seconds,
         "seconds for each case; for two programs all cases together, and at least 10 blocks")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 86400.0));
  app->add_option("--margin", options->margin, "difference that does not matter: 1% or 0.01")
      ->capture_default_str();
  app->add_option("--order-seed", compare.order_seed, "seed of the order within the blocks")
      ->capture_default_str();
  app->add_option("--db", compare.db, "run store for run:NAME");
  app->add_option("--out", compare.out, "JSON file for everything measured");
  app->add_flag("--quiet", compare.quiet, "no progress");
  app->callback([&line, options] {
    line.action = [&line, options] { return vidattn::compare(complete(*options, line)); };
  });
});

}  // namespace
}  // namespace vidattn
