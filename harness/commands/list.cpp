#include <memory>

#include "harness/cli/command.h"
#include "harness/io/text/console.h"
#include "harness/measure/inventory.h"
#include "harness/measure/record/catalogue.h"

namespace vidattn::list_command {
namespace {

const RegisterCommand registered([] {
  auto metrics = std::make_shared<bool>(false);
  return Command{"list",
                 "backends, devices and workloads with their parameters",
                 {Option("--metrics", metrics.get(),
                         "the metrics instead, with what each means, as Markdown")},
                 [metrics](const Arguments&) {
                   print_out("{}", *metrics ? glossary() : inventory());
                   return ExitCode::fine;
                 },
                 true};
});

}  // namespace
}  // namespace vidattn::list_command
