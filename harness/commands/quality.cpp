#include "harness/probes/quality.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/density.h"

namespace vidattn::quality_command {
namespace {

struct Given {
  QualityOptions quality;
  std::string density;
};

QualityOptions complete(const Given& given, const Arguments& arguments) {
  QualityOptions options = given.quality;
  if (options.backends.empty()) options.backends = {"all"};
  options.backends = expand_all(options.backends);
  if (!given.density.empty()) options.density = parse_density(given.density);
  options.arguments = arguments;
  return options;
}

std::vector<Option> options(Given& o) {
  QualityOptions& quality = o.quality;
  return joined(
      {{Option("video", &quality.videos, "videos beside the film: files, folders of frames"),
        Option("--films", &quality.films, "clips of the film, seeds 1, 2, …").in(0, 1000),
        Option("--backend", &quality.backends, "NAME[:key=value,…]; may be repeated, or all"),
        Option("--density", &o.density, "solve each backend's knob for this density"),
        Option("--noise", &quality.noise, "standard deviation of the noise, grey levels"),
        Option("--frames", &quality.clip.frames,
               "frames of a clip, taken evenly from the whole video; every 4th of a film"),
        Option("--height", &quality.clip.height,
               "pixels that videos are scaled to, a multiple of 8"),
        Option(
            "--model", &quality.models,
            "KEY=FILE of TorchScript networks that score, too, as `metrics` takes them; none: not "
            "even where harness/get_models.sh put one"),
        device_option(quality.device), out_option(quality.out), quiet_option()},
       columns_options(quality.columns)});
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  return Command{
      "quality",
      "what every method does to videos: restoration and label propagation",
      options(*given),
      [given](const Arguments& arguments) { return quality(complete(*given, arguments)); },
      false,
      "1 a method failed its check"};
});

}  // namespace
}  // namespace vidattn::quality_command
