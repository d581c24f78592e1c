#include <algorithm>
#include <memory>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/videos/report.h"
#include "harness/workloads/shots.h"

namespace vidattn::metrics_command {
namespace {

struct Given {
  std::vector<std::string> videos, models;
  std::string shots = "auto", prompts, out;
  int64_t frames_per_shot = 5;
  bool over_clips = false;
  double fps = 24;
};

std::string all_model_keys() { return model_keys() + ", " + video_network_keys(); }

std::vector<int64_t> shots_of(const std::string& text, size_t videos) {
  if (text == "auto") return {};
  if (videos > 1) throw InputError("--shots: a list is for one video; several need auto");
  return parse_shots(text);
}

/// Of the first video that can be read; empty = of none.
cv::Size frame_size(const std::vector<VideoInput>& inputs) {
  for (const VideoInput& input : inputs) {
    try {
      return open_frames(input)->next().size();
    } catch (const InputError&) {  // it will be a row of the batch
    }
  }
  return {};
}

void load_networks(const Given& given, const std::vector<VideoInput>& inputs,
                   VideoMetricOptions& options) {
  const auto known = [](const std::string& key) {
    return is_backbone(key) || is_video_network(key);
  };
  const auto files = model_files(with_found_models(given.models), known, all_model_keys());
  const bool any = std::any_of(files.begin(), files.end(),
                               [](const auto& one) { return is_video_network(one.first); });
  std::vector<std::string> videos;
  for (const VideoInput& input : inputs) videos.push_back(input.path);
  options.backbones = load_backbones(files);
  options.networks = load_video_networks(files, any ? frame_size(inputs) : cv::Size());
  options.prompts = load_prompts(given.prompts, videos, options.backbones, options.networks);
}

ExitCode measure(const Given& given, const Arguments& arguments) {
  const std::vector<VideoInput> inputs = find_videos(given.videos, given.fps);
  if (inputs.size() == 1) open_frames(inputs.front());  // throws what is a row of a batch
  VideoMetricOptions options{.shots = shots_of(given.shots, inputs.size()),
                             .frames_per_shot = given.frames_per_shot,
                             .long_protocol = given.over_clips};
  load_networks(given, inputs, options);
  Outputs outputs;
  std::vector<VideoResult> results;
  const auto write = [&] { write_json(given.out, metrics_record(results, options, arguments)); };
  for (const VideoInput& input : inputs) {
    VideoResult result;
    if (!measure_video(input, options, result)) break;
    results.push_back(std::move(result));
    if (!given.out.empty()) Outputs::keep(write);
  }
  outputs.write([&] { print_metrics(results); });
  if (!given.out.empty()) outputs.write(write);
  if (interrupted())
    print_out("interrupted: {} of {} measured\n", results.size(),
              counted(std::ssize(inputs), "video"));
  const bool failed = std::any_of(results.begin(), results.end(),
                                  [](const VideoResult& r) { return !r.error.empty(); });
  return outputs.code(failed ? ExitCode::usage : ExitCode::fine);
}

std::vector<Option> options(Given& o) {
  return {
      Option("VIDEO", &o.videos, "video files, folders of frames or of videos, film or film:SEED")
          .required(),
      Option("--shots", &o.shots, "auto, or the first frame of every shot: 0,120"),
      Option("--model", &o.models,
             "KEY=FILE, TorchScript; may be repeated: " + all_model_keys() +
                 "; EfficientNet-lite0 is taken from where harness/get_models.sh puts it, too; "
                 "none: no network"),
      Option("--prompts", &o.prompts, "JSONL of videos' prompts, for scores of texts"),
      Option("--long", &o.over_clips, "VBench-Long's scores over clips, too"),
      Option("--frames-per-shot", &o.frames_per_shot, "K of the cross-shot scores").in(1, 10000),
      fps_option(o.fps),
      out_option(o.out, "JSON file"),
      quiet_option()};
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  return Command{"metrics", "consistency and quality of videos, in VBench's protocols and layout",
                 options(*given),
                 [given](const Arguments& arguments) { return measure(*given, arguments); }};
});

}  // namespace
}  // namespace vidattn::metrics_command
