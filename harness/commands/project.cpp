#include "harness/tables/project/project.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/cli/workload_options.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/density.h"

namespace vidattn::project_command {
namespace {

struct Given {
  WorkloadOptions workload;
  ProjectOptions project;
  std::string densities;
};

ProjectOptions complete(const Given& given, const Arguments& arguments) {
  ProjectOptions options = given.project;
  options.workload = given.workload.request();
  if (!given.densities.empty()) options.densities = parse_densities(given.densities);
  if (options.backends.empty())
    options.backends = {"moga", "moga:num_groups=20", "stga", "moga_stga"};
  options.backends = expand_all(options.backends);
  options.arguments = arguments;
  return options;
}

/// Without plans, whatever describes them is refused.
Option fits_alone(ProjectOptions& o, const std::vector<Option>& of_plans) {
  Option fits("--fits", &o.fits_only,
              "no plan: only the models fitted on published times, and their errors");
  for (const Option& option : of_plans) fits.excludes(option.name);
  return fits;
}

std::vector<Option> of_plans(Given& given) {
  ProjectOptions& o = given.project;
  return {
      Option("--backend", &o.backends,
             "NAME[:key=value,…]; may be repeated, or all; full attention is always beside them"),
      Option("--density", &given.densities,
             "solve each backend's knob for these densities: 0.25, 0.1,0.2 or from:to:step"),
      Option("--tile", &o.tile, "queries by keys of the kernel's tile: 64x64, 128x64 or 128x128"),
      Option("--ranks", &o.ranks,
             "how even the plans are over these numbers of ranks, and what they send: 2,4,8,16")
          .in(2, 4096),
      Option("--cluster", &o.cluster,
             "a layer's time on many devices, by Ulysses, ring and hybrid: h100x64"),
      Option("--tokens", &o.tokens,
             "on the cluster: as many tokens, with the plan's own density and balance")
          .in(1, 1e9)
          .needs("--cluster")};
}

std::vector<Option> on_what(ProjectOptions& o) {
  return {Option("--device-name", &o.device_names,
                 "devices to project on, H100,A100,…; all that are known unless given"),
          Option("--devices", &o.devices_file, "JSON file with devices of your own"),
          Option("--format", &o.format, "of what is printed: text, markdown, csv or json"),
          Option("--out", &o.out,
                 "file, kind by its ending: .txt .md .csv .json, of a cluster also .svg .png "
                 ".pdf; may be repeated")
              .written(),
          quiet_option()};
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  const std::vector<Option> plans = joined({given->workload.all(), of_plans(*given)});
  return Command{
      "project", "what a GPU would make of a plan: predictions, nothing is run",
      joined({plans, {fits_alone(given->project, plans)}, on_what(given->project)}),
      [given](const Arguments& arguments) { return project(complete(*given, arguments)); }};
});

}  // namespace
}  // namespace vidattn::project_command
