#include "harness/cli/command.h"
#include "harness/host/progress.h"
#include "harness/videos/find_shots.h"

namespace vidattn {
namespace {

struct Options {
  FindShotsOptions find;
  bool quiet = false;
};

const RegisterCommand registered(42, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  FindShotsOptions& find = options->find;
  ShotOptions& detection = find.detection;
  auto* app =
      line.app.add_subcommand("shots", "find the shots of videos, and score shot detection");
  app->add_option("VIDEO", find.videos,
                  "video files, folders of frames or of videos, film or film:SEED");
  app->add_option("--detector", detection.rule, "rule for cuts: content or adaptive")
      ->transform(CLI::CheckedTransformer(std::map<std::string, CutRule>{
          {"content", CutRule::content}, {"adaptive", CutRule::adaptive}}))
      ->default_str("content");
  app->add_option("--threshold", detection.threshold, "content: least score of a cut")
      ->capture_default_str();
  app->add_option("--ratio", detection.adaptive_ratio, "adaptive: least score over its neighbours'")
      ->capture_default_str();
  app->add_option("--least", detection.adaptive_least, "adaptive: least score of a cut")
      ->capture_default_str();
  app->add_option("--min-length", detection.min_length, "least frames from boundary to boundary")
      ->capture_default_str();
  app->add_option("--fade", detection.fade_threshold,
                  "mean brightness below which a frame is black")
      ->capture_default_str();
  app->add_option("--window", detection.window,
                  "frames in which gradual transitions are looked for; 0 = not at all")
      ->capture_default_str();
  app->add_option("--fps", find.image_fps, "frame rate of folders of frames")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 10000.0));
  app->add_option("--score", find.truth,
                  "JSON Lines of {id, gt, pred}: score the videos found by id, or without videos "
                  "pred, by AutoShot's rule");
  app->add_option("--out", find.out, "JSON file");
  app->add_flag("--quiet", options->quiet, "no progress");
  app->callback([&line, options] {
    line.action = [&line, options] {
      if (options->quiet) set_progress_style(ProgressStyle::quiet);
      options->find.arguments = line.arguments;
      return find_shots(options->find);
    };
  });
});

}  // namespace
}  // namespace vidattn
