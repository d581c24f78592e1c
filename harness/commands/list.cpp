#include <cstdio>

#include "harness/cli/command.h"
#include "harness/measure/inventory.h"

namespace vidattn {
namespace {

const RegisterCommand registered([] {
  return Command{
      "list", "backends, devices and workloads with their parameters", {}, [](const Arguments&) {
        std::fputs(inventory().c_str(), stdout);
        return ExitCode::fine;
      }};
});

}  // namespace
}  // namespace vidattn
