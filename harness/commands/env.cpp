#include <fmt/format.h>

#include "harness/command.h"
#include "harness/environment.h"

namespace vidattn {
namespace {

int print_environment(bool json) {
  const nlohmann::json found = environment();
  fmt::print("{}\n", json ? found.dump(1) : environment_text(found));
  return 0;
}

const RegisterCommand registered(91, [](CommandLine& line) {
  auto json = std::make_shared<bool>(false);
  auto* app = line.app.add_subcommand("env", "the machine, the build and the libraries");
  app->add_flag("--json", *json, "as JSON");
  app->callback([&line, json] { line.action = [json] { return print_environment(*json); }; });
});

}  // namespace
}  // namespace vidattn
