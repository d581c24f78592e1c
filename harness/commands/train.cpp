#include "harness/dit/training/train.h"

#include <memory>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/measure/backend_spec.h"

namespace vidattn::train_command {
namespace {

struct Given {
  TrainRequest request;
  std::string model = "nano", balance = "switch";
};

BalanceForm parse_form(const std::string& name) {
  if (name == "eq8") return BalanceForm::assigned;
  return name == "switch" ? BalanceForm::switch_transformer : BalanceForm::one_hot;
}

/// Methods that read router_logits are given a learned router.
int64_t router_groups(const BackendSpec& backend) {
  for (const InputSpec& input : backend.backend->info().inputs)
    if (input.name == "router_logits") return std::get<int64_t>(backend.params.value("num_groups"));
  return 0;
}

ExitCode run(Given given, const Arguments& arguments) {
  TrainRequest& request = given.request;
  request.config = dit_config(given.model);
  request.config.groups = router_groups(parse_backend(request.backend));
  request.form = parse_form(given.balance);
  return train(request, arguments);
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  TrainRequest& r = given->request;
  return Command{
      "train",
      "train the small video DiT with any method as its visual attention",
      {Option("--model", &given->model, "size of the network").one_of(dit_sizes()),
       Option("--backend", &r.backend, "method, as of run: moga_stga:num_groups=5"),
       device_option(r.device), dtype_option(r.dtype),
       Option("--alpha", &r.alpha, "weight of the balance loss of routers").in(0, 1e6),
       Option("--balance", &given->balance, "what P means in the balance loss M sum F P")
           .one_of({"eq8", "switch", "onehot"}),
       Option("--minutes", &r.minutes, "how long, by the speed of the first steps").in(0.05, 1e6),
       Option("--steps", &r.steps, "how long, in steps").in(1, 1e9).shown_as("by --minutes"),
       Option("--clips", &r.clips, "clips of a batch, a multiple of 4").in(4, 4096),
       Option("--rate", &r.rate, "largest learning rate").positive(),
       Option("--seed", &r.seed, "of the parameters and of all clips and noise"),
       Option("--out", &r.folder, "folder of the model, its log and curves")
           .required()
           .written(Written::folder),
       Option("--resume", &r.resume, "go on with the model in the folder, bit for bit"),
       Option("--fine-tune", &r.fine_tune, "a model to begin with").excludes("--resume"),
       Option("--dense", &r.dense, "attend by libtorch's own operations, for checking"),
       Option("--save-minutes", &r.save_minutes, "between checkpoints").in(0.01, 1e6),
       Option("--threads", &r.threads, "threads that share a batch")
           .in(1, 1024)
           .shown_as("all cores"),
       quiet_option()},
      [given](const Arguments& arguments) { return run(*given, arguments); }};
});

}  // namespace
}  // namespace vidattn::train_command
