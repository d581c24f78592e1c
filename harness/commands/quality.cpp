#include "harness/probes/quality.h"

#include "harness/cli/command.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/density.h"

namespace vidattn {
namespace {

struct Options {
  QualityOptions quality;
  std::string density;
};

QualityOptions complete(const Options& given, const CommandLine& line) {
  QualityOptions options = given.quality;
  if (options.backends.empty()) options.backends = {"all"};
  options.backends = expand_all(options.backends);
  if (!given.density.empty()) options.density = parse_density(given.density);
  options.arguments = line.arguments;
  return options;
}

const RegisterCommand registered(34, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  QualityOptions& quality = options->quality;
  auto* app = line.app.add_subcommand(
      "quality", "what every method does to videos: restoration and label propagation");
  app->add_option("video", quality.videos, "videos beside the film: files, folders of frames");
  app->add_option("--films", quality.films, "clips of the film, seeds 1, 2, …")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  app->add_option("--backend", quality.backends, "NAME[:key=value,…]; may be repeated, or all");
  app->add_option("--density", options->density, "solve each backend's knob for this density");
  app->add_option("--noise", quality.noise, "standard deviation of the noise, grey levels")
      ->capture_default_str();
  app->add_option("--frames", quality.clip.frames,
                  "frames of a clip, taken evenly from the whole video; every 4th of a film")
      ->capture_default_str();
  app->add_option("--height", quality.clip.height,
                  "pixels that videos are scaled to, a multiple of 8")
      ->capture_default_str();
  app->add_option("--device", quality.device, "device")->capture_default_str();
  app->add_option("--out", quality.out, "JSON file for everything measured");
  app->add_flag("--quiet", quality.quiet, "no progress");
  app->callback([&line, options] {
    line.action = [&line, options] { return vidattn::quality(complete(*options, line)); };
  });
});

}  // namespace
}  // namespace vidattn
