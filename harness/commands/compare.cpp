#include "harness/compare/compare.h"

#include <algorithm>
#include <map>
#include <memory>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/cli/share.h"
#include "harness/cli/workload_options.h"
#include "harness/measure/density.h"
#include "harness/store/run_file.h"

namespace vidattn::compare_command {
namespace {

struct Given {
  WorkloadOptions workload;
  CompareOptions compare;
  std::string densities, margin = "1%", pass = "forward";
  std::vector<std::string> dtypes, binaries;
  std::map<std::string, bool> of_measuring;  ///< whether they stand in the line
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

/// Stored runs have been measured already.
void refuse_measuring(const Given& given) {
  const std::vector<std::string>& sides = given.compare.sides;
  if (!given.binaries.empty() || !std::all_of(sides.begin(), sides.end(), names_run)) return;
  for (const auto& [option, named] : given.of_measuring)
    if (named) throw InputError(option + " has no effect on stored runs: they are measured");
}

CompareOptions complete(const Given& given, const Arguments& arguments) {
  refuse_measuring(given);
  CompareOptions compare = given.compare;
  compare.workload = given.workload.request();
  if (!given.densities.empty()) compare.densities = parse_densities(given.densities);
  if (!given.dtypes.empty()) compare.dtypes.clear();
  for (const std::string& dtype : given.dtypes) compare.dtypes.push_back(parse_dtype(dtype));
  compare.binaries = parse_binaries(given.binaries);
  compare.rule.margin = parse_share(given.margin, "--margin");
  compare.pass = parse_pass(given.pass);
  compare.arguments = arguments;
  return compare;
}

std::vector<Option> of_measuring(Given& o) {
  CompareOptions& compare = o.compare;
  std::vector<Option> all = joined(
      {o.workload.all(),
       {Option("--density", &o.densities,
               "solve both knobs for these densities: 0.25, 0.1,0.2 or from:to:step"),
        devices_option(compare.devices), dtypes_option(o.dtypes), pass_option(o.pass),
        Option("--time", &compare.seconds,
               "seconds for each case; for two programs all cases together, and at least 10 blocks")
            .in(0.1, 86400),
        Option("--order-seed", &compare.order_seed, "seed of the order within the blocks")}});
  for (Option& option : all) option.tells(o.of_measuring[option.name]);
  return all;
}

std::vector<Option> options(Given& o) {
  CompareOptions& compare = o.compare;
  return joined(
      {{Option("sides", &compare.sides,
               "A and B: two backends NAME[:key=value,…], two files of `run --out`, or two stored "
               "runs run:NAME; with --binary the backends that both programs run")
            .required(),
        Option("--binary", &o.binaries, "A=PATH and B=PATH of two vidattn programs")},
       of_measuring(o),
       {Option("--margin", &o.margin, "difference that does not matter: 1% or 0.01"),
        Option("--db", &compare.db, "run store for run:NAME").written(Written::store),
        out_option(compare.out), quiet_option()},
       columns_options(compare.columns)});
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  return Command{
      "compare",
      "A against B, in paired blocks: two backends, two stored runs, or two programs",
      options(*given),
      [given](const Arguments& arguments) { return compare(complete(*given, arguments)); },
      false,
      "1 B is slower in a case, or a side failed its check; 2 nothing could be compared or "
      "decided"};
});

}  // namespace
}  // namespace vidattn::compare_command
