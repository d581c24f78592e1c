#include "harness/cli/command.h"
#include "harness/host/progress.h"
#include "harness/videos/diff.h"

namespace vidattn {
namespace {

struct Options {
  VideoDiffOptions diff;
  bool quiet = false;
};

const RegisterCommand registered(44, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  VideoDiffOptions& diff = options->diff;
  auto* app = line.app.add_subcommand(
      "videodiff", "compare videos frame by frame: PSNR, SSIM, difference in flicker");
  app->add_option("VIDEOS", diff.videos,
                  "reference and video, any number of pairs: A B A B …; files, folders of frames, "
                  "film or film:SEED")
      ->required();
  app->add_flag("--common-frames", diff.common_frames,
                "videos of unequal length: compare the frames that both have");
  app->add_option("--out", diff.out, "JSON file, with the values of every frame");
  app->add_flag("--quiet", options->quiet, "no progress");
  app->callback([&line, options] {
    line.action = [&line, options] {
      if (options->quiet) set_progress_style(ProgressStyle::quiet);
      options->diff.arguments = line.arguments;
      return diff_videos(options->diff);
    };
  });
});

}  // namespace
}  // namespace vidattn
