#include <memory>

#include "harness/cli/command.h"
#include "harness/host/device_list.h"
#include "harness/host/environment.h"
#include "harness/io/text/console.h"

namespace vidattn::env_command {
namespace {

ExitCode print_environment(bool json) {
  nlohmann::json found = environment();
  found["devices"] = all_device_facts();
  if (json)
    print_out("{}\n", found.dump(1));
  else
    print_out("{}devices\n{}\n", environment_text(found), device_text(found["devices"]));
  return ExitCode::fine;
}

const RegisterCommand registered([] {
  auto json = std::make_shared<bool>(false);
  return Command{"env",
                 "the machine, the build and the libraries",
                 {Option("--json", json.get(), "as JSON")},
                 [json](const Arguments&) { return print_environment(*json); },
                 true};
});

}  // namespace
}  // namespace vidattn::env_command
