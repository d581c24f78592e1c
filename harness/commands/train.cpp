#include "harness/dit/training/train.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/dit/training/settings.h"
#include "harness/io/places/roles.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"

namespace vidattn::train_command {
namespace {

struct Given {
  TrainRequest request;
  std::string model = "nano", balance = "switch", text = "cross";
  int64_t frames = 0;
  std::vector<int64_t> grid;
  std::map<std::string, bool> named;  ///< by option
};

ExitCode run(Given given, const Arguments& arguments) {
  TrainRequest& request = given.request;
  request.config = config_for(given.model, request.backend);
  request.config.text = parse_dit_text(given.text);
  if (given.frames > 0) request.config.frames = given.frames;
  if (!given.grid.empty()) {
    request.config.frames = given.grid[0];
    request.config.height = given.grid[1];
    request.config.width = given.grid[2];
  }
  request.form = parse_balance_form(given.balance);
  for (const auto& [option, named] : given.named)
    if (named) request.named.insert(option);
  if (!request.fine_tune.empty())
    for (const char* file : {kTrainingFile, kAveragedFile})
      claim_written(std::filesystem::path(request.folder) / file, "--out");
  const TrainedTo reached = train(request, arguments);
  if (reached.done == 0)
    print_out("interrupted before the first step\n");
  else
    print_out("{}/{}: {}, loss {:.4f}\n", request.folder, kTrainingFile,
              counted(reached.done, "step"), reached.loss);
  return reached.interrupted() ? ExitCode::interrupted : ExitCode::fine;
}

/// What a checkpoint keeps, too, and --resume is held against (settings.h).
Option setting(Given& given, Option option) { return option.tells(given.named[option.name]); }

std::vector<Option> settings(Given& given) {
  TrainRequest& r = given.request;
  std::vector<Option> all = {
      Option("--model", &given.model, "size of the network").one_of(dit_sizes()),
      Option("--text", &given.text, "how captions come in: cross-attention, or joint (MMDiT)")
          .one_of(dit_texts()),
      Option("--frames", &given.frames, "latent frames of a clip, as for stages of lengths")
          .in(3, 1024)
          .shown_as("the model's"),
      Option("--grid", &given.grid, "latent frames, height and width of a clip in tokens: T,H,W")
          .of(3)
          .in(1, 1024)
          .excludes("--frames")
          .shown_as("the model's"),
      Option("--backend", &r.backend, "method, as of run: moga_stga:num_groups=5"),
      device_option(r.device),
      Option("--dtype", &r.dtype, "of the attention and, bf16, the blocks' linear layers")
          .one_of({"f32", "bf16", "f16"}),
      Option("--alpha", &r.alpha, "weight of the balance loss of routers").in(0, 1e6),
      Option("--balance", &given.balance, "what P means in the balance loss M sum F P")
          .one_of(balance_forms()),
      Option("--minutes", &r.minutes, "how long, by the speed of the first steps").in(0.05, 1e6),
      Option("--steps", &r.steps, "how long, in steps").in(1, 1e9).shown_as("by --minutes"),
      Option("--clips", &r.clips, "clips of a batch, a multiple of 4").in(4, 4096),
      Option("--rate", &r.rate, "largest learning rate").in(kLeastRate, kMostRate),
      Option("--seed", &r.seed, "of the parameters and of all clips and noise").in(0, 1e18),
      Option("--dense", &r.dense, "attend by libtorch's own operations, for checking")};
  for (Option& option : all) option = setting(given, option);
  return all;
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  TrainRequest& r = given->request;
  return Command{
      "train", "train the small video DiT with any method as its visual attention",
      joined({settings(*given),
              {Option("--out", &r.folder, "folder of the model, its log and curves")
                   .required()
                   .written(Written::folder),
               Option("--resume", &r.resume,
                      "go on with the model in the folder, bit for bit, with its settings"),
               Option("--fine-tune", &r.fine_tune, "a model to begin with").excludes("--resume"),
               Option("--save-minutes", &r.save_minutes, "between checkpoints").in(0.01, 1e6),
               Option("--threads", &r.threads, "threads that share a batch")
                   .in(1, 1024)
                   .shown_as("all cores"),
               quiet_option()}}),
      [given](const Arguments& arguments) { return run(*given, arguments); }};
});

}  // namespace
}  // namespace vidattn::train_command
