#include "harness/dit/experiments/experiment.h"

#include <fmt/format.h>

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/dit/training/train.h"

namespace vidattn::experiment_command {
namespace {

constexpr const char* kTraining = "Experiments that train";

struct Given {
  std::string name;
  ExperimentRequest request;
};

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Experiment& experiment : experiments()) all.push_back(experiment.name);
  return all;
}

std::string help() {
  std::string text = "which one";
  for (const Experiment& experiment : experiments())
    text += fmt::format("; {}: {}", experiment.name, experiment.help);
  return text;
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  ExperimentRequest& r = given->request;
  return Command{
      "experiment",
      "a claim of the paper, tried on small video DiTs that were trained here",
      {Option("NAME", &given->name, help()).required().one_of(names()),
       Option("--checkpoint", &r.checkpoints,
              "model of `vidattn train`, or nano, which vidattn carries; may be repeated"),
       Option(
           "--backend", &r.backends,
           "visual attention; may be repeated; of `recall` without --checkpoint: what is trained")
           .shown_as("what the model was trained with"),
       Option("--clips", &r.clips, "clips").in(1, 100000),
       Option("--steps", &r.steps, "denoising steps of a video").in(1, 1000),
       Option("--shift", &r.shift, "of the noise levels").in(0.01, 100),
       Option("--seed", &r.seed, "of clips and noise, and of the first training").in(0, 1e18),
       device_option(r.device),
       Option("--model", &r.model, "size of the networks that are trained")
           .one_of(dit_sizes())
           .under(kTraining),
       Option("--seeds", &r.seeds, "trainings of each kind").in(1, 1000).under(kTraining),
       Option("--train-steps", &r.train_steps, "steps of each").in(1, 1e9).under(kTraining),
       Option("--base-steps", &r.base_steps,
              "steps of the full-attention networks that they begin with, without --checkpoint; 0: "
              "none")
           .in(0, 1e9)
           .under(kTraining),
       Option("--rate", &r.rate, "largest learning rate")
           .in(kLeastRate, kMostRate)
           .under(kTraining),
       Option("--out", &r.folder, "folder of the trained networks: none is trained twice")
           .written(Written::folder)
           .under(kTraining),
       Option("--density", &r.density, "of the methods of `methods`")
           .in(0.001, 1)
           .shown_as("the first trained one's"),
       Option("--frames", &r.frames, "latent frames of the clips of `iteration`: A,B,…")
           .in(3, 1024)
           .shown_as("1, 2 and 4 times the model's"),
       Option("--format", &r.format, "of the table").one_of(experiment_formats()),
       Option("--json", &r.json, "JSON file for everything measured").written(), quiet_option()},
      [given](const Arguments& arguments) {
        given->request.arguments = arguments;
        return run_experiment(given->name, given->request);
      }};
});

}  // namespace
}  // namespace vidattn::experiment_command
