#include "harness/report/report.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"

namespace vidattn::report_command {
namespace {

const RegisterCommand registered([] {
  auto o = std::make_shared<ReportOptions>();
  return Command{
      "report",
      "one HTML file that shows runs, for offline reading",
      {Option("runs", &o->runs, "files of `run --out` and `sweep --out`, or stored runs run:NAME")
           .required(),
       out_option(o->out, "HTML file").written().required(),
       Option(
           "--figures", &o->figures,
           "folder for the charts as SVG and PDF (gnuplot draws them), the masks and frames as PNG "
           "and JPEG, the table as LaTeX, Markdown and CSV; "
           "exit code 3 when one is missing in the end")
           .written(Written::folder),
       Option("--db", &o->db, "run store").written(Written::store),
       Option(
           "--no-pictures", [o] { o->pictures = false; },
           "no masks and frames, which need the workload to be built again"),
       Option("--open-inputs", &o->open_inputs,
              "open the videos and tensors that the runs name, for their pictures; not for runs of "
              "strangers, which may name any file"),
       quiet_option()},
      [o](const Arguments&) { return report(*o); }};
});

}  // namespace
}  // namespace vidattn::report_command
