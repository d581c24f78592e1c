#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/measure/catalogue.h"
#include "harness/measure/inventory.h"

namespace vidattn {
namespace {

int list(bool metrics) {
  fmt::print("{}", metrics ? glossary() : inventory());
  return 0;
}

const RegisterCommand registered(90, [](CommandLine& line) {
  auto metrics = std::make_shared<bool>(false);
  auto* app =
      line.app.add_subcommand("list", "backends, devices and workloads with their parameters");
  app->add_flag("--metrics", *metrics, "the metrics instead, with what each means, as Markdown");
  app->callback([&line, metrics] { line.action = [metrics] { return list(*metrics); }; });
});

}  // namespace
}  // namespace vidattn
