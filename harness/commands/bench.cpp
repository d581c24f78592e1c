#include "harness/measure/bench.h"

#include "harness/cli/command.h"

namespace vidattn {
namespace {

const RegisterCommand registered(50, [](CommandLine& line) {
  auto options = std::make_shared<BenchOptions>();
  auto* app =
      line.app.add_subcommand("bench", "kernel speed against this machine's measured limits");
  app->add_option("--device", options->device, "device")->capture_default_str();
  app->add_option("--seconds", options->seconds, "least time for each line")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  app->add_flag("--quick", options->quick, "a short list");
  app->add_option("--out", options->out, "JSON file");
  app->callback([&line, options] { line.action = [options] { return bench(*options); }; });
});

}  // namespace
}  // namespace vidattn
