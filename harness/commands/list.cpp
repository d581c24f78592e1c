#include <cstdio>
#include <memory>

#include "harness/cli/command.h"
#include "harness/measure/inventory.h"
#include "harness/measure/record/catalogue.h"

namespace vidattn {
namespace {

const RegisterCommand registered([] {
  auto metrics = std::make_shared<bool>(false);
  return Command{"list",
                 "backends, devices and workloads with their parameters",
                 {Option("--metrics", metrics.get(),
                         "the metrics instead, with what each means, as Markdown")},
                 [metrics](const Arguments&) {
                   std::fputs((*metrics ? glossary() : inventory()).c_str(), stdout);
                   return ExitCode::fine;
                 }};
});

}  // namespace
}  // namespace vidattn
