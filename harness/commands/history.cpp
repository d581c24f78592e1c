#include "harness/store/history.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"

namespace vidattn::history_command {
namespace {

const RegisterCommand registered([] {
  auto o = std::make_shared<HistoryOptions>();
  return Command{"history",
                 "a metric over the stored runs, with changes",
                 {db_option(o->db), Option("--suite", &o->suite, "runs of this suite only"),
                  Option("--case", &o->match, "cases whose name contains this text only"),
                  Option("--machine", &o->machine, "one machine: its key or the key's beginning"),
                  Option("--metric", &o->metric, "ratio, total_time, density, relative_l2 …"),
                  out_option(o->out, "JSON file")},
                 [o](const Arguments&) {
                   history(*o);
                   return ExitCode::fine;
                 }};
});

}  // namespace
}  // namespace vidattn::history_command
