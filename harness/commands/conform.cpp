#include "harness/conform/conform.h"

#include "harness/cli/command.h"

namespace vidattn {
namespace {

const RegisterCommand registered(30, [](CommandLine& line) {
  auto options = std::make_shared<ConformOptions>();
  auto dtype = std::make_shared<std::string>("f32");
  auto* app = line.app.add_subcommand("conform",
                                      "check test vectors: METHOD/CASE/case.json below a folder");
  app->add_option("folder", options->folder, "folder of test vectors")->required();
  app->add_option("--device", options->device, "device")->capture_default_str();
  app->add_option("--dtype", *dtype, "f32, bf16 or f16")->capture_default_str();
  app->add_option("--only", options->only, "one method");
  app->add_option("--write", options->write, "folder for the computed arrays");
  app->callback([&line, options, dtype] {
    line.action = [options, dtype] {
      options->dtype = parse_dtype(*dtype);
      return conform(*options);
    };
  });
});

}  // namespace
}  // namespace vidattn
