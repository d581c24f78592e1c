#include "harness/conform/conform.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"

namespace vidattn::conform_command {
namespace {

struct Given {
  ConformOptions conform;
  std::string dtype = "f32";
};

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  ConformOptions& o = given->conform;
  return Command{
      "conform",
      "check test vectors: METHOD/CASE/case.json below a folder, or those of a method's own folder",
      {Option("folder", &o.folder, "folder of test vectors").required(), device_option(o.device),
       dtype_option(given->dtype), Option("--only", &o.only, "one method"),
       Option("--write", &o.write, "folder for the computed arrays").written(Written::folder)},
      [given](const Arguments&) {
        given->conform.dtype = parse_dtype(given->dtype);
        return conform(given->conform);
      },
      false,
      "1 a vector failed"};
});

}  // namespace
}  // namespace vidattn::conform_command
