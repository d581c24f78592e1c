#include "harness/probes/restore.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/density.h"

namespace vidattn::restore_command {
namespace {

struct Given {
  RestoreOptions restore;
  std::string density;
};

RestoreOptions complete(const Given& given, const Arguments& arguments) {
  RestoreOptions options = given.restore;
  if (options.backends.empty()) options.backends = {"moga", "stga", "moga_stga"};
  options.backends = expand_all(options.backends);
  if (!given.density.empty()) options.density = parse_density(given.density);
  options.arguments = arguments;
  return options;
}

std::vector<Option> options(Given& o) {
  RestoreOptions& restore = o.restore;
  return joined(
      {{Option("video", &restore.clip.source, "video file, folder of frames, film, or film:SEED"),
        Option("--noise", &restore.noise, "standard deviation of the noise, grey levels"),
        Option("--seed", &restore.seed, "seed of the noise").in(0, 1e18),
        Option("--backend", &restore.backends, "NAME[:key=value,…]; may be repeated, or all"),
        Option("--density", &o.density, "solve each backend's knob for this density"),
        Option("--frames", &restore.clip.frames,
               "frames, taken evenly from the whole video; every 4th of a film"),
        Option("--height", &restore.clip.height,
               "pixels that the video is scaled to, a multiple of 8"),
        device_option(restore.device),
        Option("--folder", &restore.folder, "write the videos and side_by_side.png there")
            .written(Written::folder),
        out_option(restore.out), quiet_option()},
       columns_options(restore.columns)});
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  return Command{
      "restore",
      "what a method does to a picture: noise removed from a video by attention",
      options(*given),
      [given](const Arguments& arguments) { return restore(complete(*given, arguments)); },
      false,
      "1 a method failed its check"};
});

}  // namespace
}  // namespace vidattn::restore_command
