#include "harness/dit/experiments/experiment.h"

#include <algorithm>

#include "attention/error.h"
#include "harness/host/output/outputs.h"
#include "harness/host/random.h"
#include "harness/host/record.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"

namespace vidattn {
namespace {

constexpr uint64_t kExperimentStream = 0xe39e61;

std::vector<Experiment>& experiment_registry() {
  static std::vector<Experiment> all;
  return all;
}

std::string table_of(const ExperimentResult& result, const std::string& format) {
  if (result.headings.empty()) return "";  // interrupted before there was anything
  if (format == "latex") return latex_pages(result.headings, result.rows);
  if (format == "text") return text_table(result.headings, result.rows);
  const std::string alignment = "l" + std::string(result.headings.size() - 1, 'r');
  return markdown_table(result.headings, result.rows, alignment);
}

/// A network that stands twice would count as two seeds.
void require_distinct(std::vector<std::string> checkpoints) {
  std::sort(checkpoints.begin(), checkpoints.end());
  const auto twice = std::adjacent_find(checkpoints.begin(), checkpoints.end());
  if (twice != checkpoints.end()) throw InputError(in_quotes(*twice) + " is named twice");
}

}  // namespace

RegisterExperiment::RegisterExperiment(Experiment experiment) {
  std::vector<Experiment>& all = experiment_registry();
  all.push_back(std::move(experiment));
  std::sort(all.begin(), all.end(),
            [](const Experiment& a, const Experiment& b) { return a.name < b.name; });
}

const std::vector<Experiment>& experiments() { return experiment_registry(); }

std::vector<std::string> experiment_formats() { return {"text", "markdown", "latex"}; }

uint64_t clip_seed(const ExperimentRequest& request, int64_t i) {
  return Random(request.seed, kExperimentStream + static_cast<uint64_t>(i)).bits();
}

TrainingClip experiment_clip(const ExperimentRequest& request, const DitConfig& config, int64_t i) {
  return {clip_seed(request, i), config.frames, config.height, config.width};
}

ExitCode run_experiment(const std::string& name, const ExperimentRequest& request) {
  const auto found = std::find_if(experiments().begin(), experiments().end(),
                                  [&](const Experiment& e) { return e.name == name; });
  require_distinct(request.checkpoints);
  Outputs outputs;
  ExperimentResult result = found->run(request);
  outputs.write([&] {
    print_out("{}", table_of(result, request.format));
    for (const std::string& note : result.notes) print_out("\n{}\n", note);
    if (result.interrupted && !request.folder.empty())
      print_out("\nInterrupted: what was trained is kept, the same command goes on.\n");
  });
  if (!request.json.empty())
    outputs.write([&] {
      nlohmann::json json = record_header("experiment", "1.0", request.arguments);
      json["experiment"] = name;
      if (result.record.is_object()) json.update(result.record);  // else nothing was done yet
      write_json(request.json, json);
    });
  return outputs.code(result.interrupted ? ExitCode::interrupted : ExitCode::fine);
}

}  // namespace vidattn
