#include "harness/report/report.h"

#include "harness/cli/command.h"

namespace vidattn {
namespace {

const RegisterCommand registered(70, [](CommandLine& line) {
  auto options = std::make_shared<ReportOptions>();
  auto* app =
      line.app.add_subcommand("report", "one HTML file that shows runs, for offline reading");
  app->add_option("runs", options->runs,
                  "files of `run --out` and `sweep --out`, or stored runs run:NAME")
      ->required();
  app->add_option("--out", options->out, "HTML file")->required();
  app->add_option("--figures", options->figures,
                  "folder for the figures as SVG and PNG and the table as LaTeX");
  app->add_option("--db", options->db, "run store");
  app->add_flag("!--no-pictures", options->pictures,
                "no masks and frames, which need the workload to be built again");
  app->add_flag("--quiet", options->quiet, "no progress");
  app->callback(
      [&line, options] { line.action = [options] { return vidattn::report(*options); }; });
});

}  // namespace
}  // namespace vidattn
