#include "harness/dit/experiments/experiment.h"

#include <fmt/format.h>

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"

namespace vidattn::experiment_command {
namespace {

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
       Option("--checkpoint", &r.checkpoints, "model of `vidattn train`; may be repeated"),
       Option("--backend", &r.backends, "visual attention; may be repeated")
           .shown_as("what the model was trained with"),
       Option("--clips", &r.clips, "clips").in(1, 100000),
       Option("--steps", &r.steps, "denoising steps of a video").in(1, 1000),
       Option("--shift", &r.shift, "of the noise levels").in(0.01, 100),
       Option("--seed", &r.seed, "of clips and noise"), device_option(r.device),
       out_option(r.json, "JSON file"), quiet_option()},
      [given](const Arguments& arguments) {
        given->request.arguments = arguments;
        return run_experiment(given->name, given->request);
      }};
});

}  // namespace
}  // namespace vidattn::experiment_command
