#include <fmt/format.h>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/io/json_file.h"
#include "harness/videos/report.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

struct Options {
  std::vector<std::string> videos, models;
  std::string shots = "auto", out;
  int64_t frames_per_shot = 5;
  double fps = 24;
  bool quiet = false;
};

std::vector<int64_t> shots_of(const std::string& text, size_t videos) {
  if (text == "auto") return {};
  if (videos > 1) throw InputError("--shots: a list is for one video; several need auto");
  return parse_shots(text);
}

int measure(const Options& given, const std::vector<std::string>& arguments) {
  const std::vector<VideoInput> inputs = find_videos(given.videos, given.fps);
  VideoMetricOptions options{.shots = shots_of(given.shots, inputs.size()),
                             .frames_per_shot = given.frames_per_shot};
  if (!given.out.empty()) require_writable(given.out);
  options.backbones = load_backbones(given.models);
  catch_interrupts();
  if (given.quiet) set_progress_style(ProgressStyle::quiet);
  std::vector<VideoResult> results;
  for (const VideoInput& input : inputs) {
    VideoResult result;
    if (!measure_video(input, options, result)) break;
    results.push_back(std::move(result));
    // After every video, so that nothing measured is lost.
    if (!given.out.empty()) write_json(given.out, metrics_record(results, options, arguments));
  }
  print_metrics(results);
  if (interrupted()) {
    if (!given.out.empty()) write_json(given.out, metrics_record(results, options, arguments));
    fmt::print("interrupted: {} of {} videos were measured\n", results.size(), inputs.size());
    return 130;
  }
  const bool failed = std::any_of(results.begin(), results.end(),
                                  [](const VideoResult& r) { return !r.error.empty(); });
  return failed ? 3 : 0;
}

const RegisterCommand registered(35, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  auto* app = line.app.add_subcommand(
      "metrics", "consistency and quality of videos, in VBench's protocols and layout");
  app->add_option("VIDEO", options->videos,
                  "video files, folders of frames or of videos, film or film:SEED")
      ->required();
  app->add_option("--shots", options->shots, "auto, or the first frame of every shot: 0,120")
      ->capture_default_str();
  app->add_option("--model", options->models,
                  "KEY=FILE, TorchScript; may be repeated: " + model_keys());
  app->add_option("--frames-per-shot", options->frames_per_shot, "K of the cross-shot scores")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app->add_option("--fps", options->fps, "frame rate of folders of frames")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 10000.0));
  app->add_option("--out", options->out, "JSON file");
  app->add_flag("--quiet", options->quiet, "no progress");
  app->callback([&line, options] {
    line.action = [&line, options] { return measure(*options, line.arguments); };
  });
});

}  // namespace
}  // namespace vidattn
