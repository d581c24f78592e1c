#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/measure/inventory.h"

namespace vidattn {
namespace {

int list() {
  fmt::print("{}", inventory());
  return 0;
}

const RegisterCommand registered(90, [](CommandLine& line) {
  line.app.add_subcommand("list", "backends, devices and workloads with their parameters")
      ->callback([&line] { line.action = list; });
});

}  // namespace
}  // namespace vidattn
