#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/host/device_list.h"
#include "harness/host/environment.h"

namespace vidattn {
namespace {

int print_environment(bool json) {
  nlohmann::json found = environment();
  found["devices"] = all_device_facts();
  if (json)
    fmt::print("{}\n", found.dump(1));
  else
    fmt::print("{}devices\n{}\n", environment_text(found), device_text(found["devices"]));
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
