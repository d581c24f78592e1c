#include "harness/conform/attend.h"

#include <fmt/format.h>

#include <memory>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/cli/workload_options.h"
#include "harness/distributed/attend_files.h"
#include "harness/distributed/ranks/session.h"

namespace vidattn::attend_command {
namespace {

struct Given {
  AttendOptions attend;
  WorkloadOptions workload;
  std::string dtype = "f32", router_logits, hidden;
  std::vector<std::string> inputs;  ///< name=file.npy
  std::string dq, dk, dv, drouter_logits, balance;
  std::vector<std::string> dinputs;  ///< name=file.npy
  DistributedAttend distributed;
};

/// Throws InputError for a second file of a name: one of the two would be left out.
void add_file(const char* option, const std::string& name, const std::string& path,
              std::map<std::string, std::string>& files) {
  if (path.empty()) return;  // not on the line
  if (!files.emplace(name, path).second)
    throw InputError(fmt::format("{} {}=…: {} has a file already", option, name, name));
}

void add_named(const char* option, const std::vector<std::string>& texts,
               std::map<std::string, std::string>& files) {
  for (const std::string& named : texts) {
    const size_t equals = named.find('=');
    if (equals == std::string::npos)
      throw InputError(std::string(option) + " '" + named + "' is not name=file.npy");
    add_file(option, named.substr(0, equals), named.substr(equals + 1), files);
  }
}

AttendOptions complete(const Given& given) {
  AttendOptions attend = given.attend;
  const WorkloadRequest request = given.workload.request();
  attend.grid = {request.frames, request.height, request.width};
  if (!request.shots.empty()) attend.grid.shots = request.shots;
  attend.scale = request.scale;
  attend.attention = request.capture.attention;
  attend.dtype = parse_dtype(given.dtype);
  add_file("--router-logits", "router_logits", given.router_logits, attend.inputs);
  add_file("--hidden", "hidden", given.hidden, attend.inputs);
  add_named("--input", given.inputs, attend.inputs);
  for (const auto& [name, path] : {std::pair{"q", &given.dq},
                                   {"k", &given.dk},
                                   {"v", &given.dv},
                                   {"router_logits", &given.drouter_logits}})
    if (!path->empty()) attend.gradients[name] = *path;
  add_named("--dinput", given.dinputs, attend.gradients);
  if (!given.balance.empty()) attend.balance = parse_balance_form(given.balance);
  return attend;
}

ExitCode attend_either(const Given& given) {
  if (given.distributed.layout.empty()) {
    refuse_ranks("do the whole call: --distributed shares it");
    return attend(complete(given));
  }
  DistributedAttend shared = given.distributed;
  shared.call = complete(given);
  return attend_distributed(shared);
}

std::vector<Option> options(Given& o) {
  AttendOptions& attend = o.attend;
  return joined(
      {{Option("--backend", &attend.backend, "method, see `vidattn list`").required(),
        Option("--q", &attend.q, "queries, [L,H,D]").required(),
        Option("--k", &attend.k, "keys, [LK,HK,D]; HK divides H, LK differs in cross-attention")
            .required(),
        Option("--v", &attend.v, "values, [LK,HK,DV]").required(),
        Option("--router-logits", &o.router_logits, "router scores, [L,M]"),
        Option("--hidden", &o.hidden, "hidden states, [L,C]"),
        Option("--input", &o.inputs,
               "further input of the method: name=file.npy; may be repeated")},
       o.workload.grid(),
       {o.workload.scale(), o.workload.attention(),
        Option("--set", &attend.settings, "parameter key=value; may be repeated"),
        device_option(attend.device), dtype_option(o.dtype),
        out_option(attend.out, "output, [L,H,DV] float32").written().required(),
        Option("--lse", &attend.lse,
               "log-sum-exp, [L,H] float32; one file per branch of a combined plan")
            .written(),
        Option("--mask", &attend.mask, "visible pairs of all branches, uint8 [1 or H,L,LK]")
            .written(),
        Option("--block-map", &attend.block_map,
               "the plan as a map of blocks, .safetensors, that --backend map:FILE reads")
            .written(),
        Option("--force-mask", &attend.force_mask, "write a mask of more than 4,096 tokens"),
        Option("--grad", &attend.grad, "gradient of the output, [L,H,DV]: runs the backward pass"),
        Option("--dq", &o.dq, "gradient of the queries, [L,H,D] float32").written(),
        Option("--dk", &o.dk, "gradient of the keys, [LK,HK,D] float32").written(),
        Option("--dv", &o.dv, "gradient of the values, [LK,HK,DV] float32").written(),
        Option("--drouter-logits", &o.drouter_logits, "gradient of the router scores").written(),
        Option("--dinput", &o.dinputs,
               "gradient of a further input: name=file.npy; may be repeated")
            .written(Written::named_file),
        Option("--balance", &o.balance,
               "adds the gradient of the router's balance loss, balance_alpha M sum F P: what P "
               "means")
            .one_of(balance_forms())
            .needs("--grad"),
        Option("--stats", &attend.stats, "JSON file of the executed plan's figures").written()},
       {distributed_option(o.distributed.layout, {"--block-map", "--attention"}),
        rank_timeout_option(o.distributed.patience).needs("--distributed")}});
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  return Command{"attend",
                 "one operator on your own .npy files",
                 options(*given),
                 [given](const Arguments&) { return attend_either(*given); },
                 true,
                 exits_with_ranks()};
});

}  // namespace
}  // namespace vidattn::attend_command
