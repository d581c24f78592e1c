#include "harness/store/history.h"

#include "harness/cli/command.h"

namespace vidattn {
namespace {

const RegisterCommand registered(61, [](CommandLine& line) {
  auto options = std::make_shared<HistoryOptions>();
  auto* app = line.app.add_subcommand("history", "a metric over the stored runs, with changes");
  app->add_option("--db", options->db, "SQLite file of stored runs")->capture_default_str();
  app->add_option("--suite", options->suite, "runs of this suite only");
  app->add_option("--case", options->match, "cases whose name contains this text only");
  app->add_option("--machine", options->machine, "one machine: its key or the key's beginning");
  app->add_option("--metric", options->metric, "ratio, total_time, density, relative_l2 …")
      ->capture_default_str();
  app->add_option("--out", options->out, "JSON file");
  app->callback([&line, options] { line.action = [options] { return history(*options); }; });
});

}  // namespace
}  // namespace vidattn
