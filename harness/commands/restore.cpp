#include "harness/probes/restore.h"

#include "harness/cli/command.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/density.h"

namespace vidattn {
namespace {

struct Options {
  RestoreOptions restore;
  std::string density;
};

RestoreOptions complete(const Options& given, const CommandLine& line) {
  RestoreOptions options = given.restore;
  if (options.backends.empty()) options.backends = {"moga", "stga", "moga_stga"};
  options.backends = expand_all(options.backends);
  if (!given.density.empty()) options.density = parse_density(given.density);
  options.arguments = line.arguments;
  return options;
}

const RegisterCommand registered(33, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  RestoreOptions& restore = options->restore;
  auto* app = line.app.add_subcommand(
      "restore", "what a method does to a picture: noise removed from a video by attention");
  app->add_option("video", restore.clip.source, "video file, folder of frames, film, or film:SEED")
      ->capture_default_str();
  app->add_option("--noise", restore.noise, "standard deviation of the noise, grey levels")
      ->capture_default_str();
  app->add_option("--seed", restore.seed, "seed of the noise")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e18));
  app->add_option("--backend", restore.backends, "NAME[:key=value,…]; may be repeated, or all");
  app->add_option("--density", options->density, "solve each backend's knob for this density");
  app->add_option("--frames", restore.clip.frames,
                  "frames, taken evenly from the whole video; every 4th of a film")
      ->capture_default_str();
  app->add_option("--height", restore.clip.height,
                  "pixels that the video is scaled to, a multiple of 8")
      ->capture_default_str();
  app->add_option("--device", restore.device, "device")->capture_default_str();
  app->add_option("--folder", restore.folder, "write the videos and side_by_side.png there");
  app->add_option("--out", restore.out, "JSON file for everything measured");
  app->add_flag("--quiet", restore.quiet, "no progress");
  app->callback([&line, options] {
    line.action = [&line, options] { return vidattn::restore(complete(*options, line)); };
  });
});

}  // namespace
}  // namespace vidattn
