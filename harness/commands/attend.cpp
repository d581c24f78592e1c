#include "harness/conform/attend.h"

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/workload_options.h"

namespace vidattn {
namespace {

struct Options {
  AttendOptions attend;
  WorkloadOptions workload;
  std::string dtype = "f32", router_logits, hidden;
  std::vector<std::string> inputs;  ///< name=file.npy
};

AttendOptions complete(const Options& given) {
  AttendOptions attend = given.attend;
  const WorkloadRequest request = given.workload.request();
  attend.grid = {request.frames, request.height, request.width};
  if (!request.shots.empty()) attend.grid.shots = request.shots;
  attend.dtype = parse_dtype(given.dtype);
  if (!given.router_logits.empty()) attend.inputs["router_logits"] = given.router_logits;
  if (!given.hidden.empty()) attend.inputs["hidden"] = given.hidden;
  for (const std::string& named : given.inputs) {
    const size_t equals = named.find('=');
    if (equals == std::string::npos)
      throw InputError("--input '" + named + "' is not name=file.npy");
    attend.inputs[named.substr(0, equals)] = named.substr(equals + 1);
  }
  return attend;
}

const RegisterCommand registered(20, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  AttendOptions& attend = options->attend;
  auto* app = line.app.add_subcommand("attend", "one operator on your own .npy files");
  app->add_option("--backend", attend.backend, "method, see `vidattn list`")->required();
  app->add_option("--q", attend.q, "queries, [L,H,D]")->required();
  app->add_option("--k", attend.k, "keys, [L,H,D]")->required();
  app->add_option("--v", attend.v, "values, [L,H,D]")->required();
  app->add_option("--router-logits", options->router_logits, "router scores, [L,M]");
  app->add_option("--hidden", options->hidden, "hidden states, [L,C]");
  app->add_option("--input", options->inputs,
                  "further input of the method: name=file.npy; may be repeated");
  options->workload.add_grid(*app);
  app->add_option("--set", attend.settings, "parameter key=value; may be repeated");
  app->add_option("--device", attend.device, "device")->capture_default_str();
  app->add_option("--dtype", options->dtype, "f32, bf16 or f16")->capture_default_str();
  app->add_option("--out", attend.out, "output, [L,H,D] float32")->required();
  app->add_option("--lse", attend.lse,
                  "log-sum-exp, [L,H] float32; one file per branch of a combined plan");
  app->add_option("--mask", attend.mask, "visible pairs of all branches, uint8 [1 or H,L,L]");
  app->add_flag("--force-mask", attend.force_mask, "write a mask of more than 4,096 tokens");
  app->add_option("--stats", attend.stats, "JSON file of the executed plan's figures");
  app->callback([&line, options] {
    line.action = [options] {
      vidattn::attend(complete(*options));
      return 0;
    };
  });
});

}  // namespace
}  // namespace vidattn
