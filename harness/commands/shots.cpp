#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/videos/find_shots.h"

namespace vidattn::shots_command {
namespace {

std::vector<Option> options(FindShotsOptions& find) {
  ShotOptions& detection = find.detection;
  return {
      Option("VIDEO", &find.videos,
             "video files, folders of frames or of videos, film or film:SEED"),
      Option("--detector", &find.detector,
             "rule for cuts: content or adaptive; or TransNetV2 for all boundaries: transnet with "
             "the network of harness/get_models.sh, transnet:FILE with another"),
      Option("--threshold", &detection.threshold, "content: least score of a cut"),
      Option("--ratio", &detection.adaptive_ratio, "adaptive: least score over its neighbours'"),
      Option("--least", &detection.adaptive_least, "adaptive: least score of a cut"),
      Option("--min-length", &detection.min_length, "least frames from boundary to boundary"),
      Option("--fade", &detection.fade_threshold, "mean brightness below which a frame is black"),
      Option("--window", &detection.window,
             "frames in which gradual transitions are looked for; 0 = not at all"),
      fps_option(find.image_fps),
      Option("--score", &find.truth,
             "JSON Lines of {id, gt, pred}: score the videos found by id, or without videos "
             "pred, by AutoShot's rule"),
      out_option(find.out, "JSON file"),
      quiet_option()};
}

const RegisterCommand registered([] {
  auto o = std::make_shared<FindShotsOptions>();
  return Command{"shots", "find the shots of videos, and score shot detection", options(*o),
                 [o](const Arguments& arguments) {
                   o->arguments = arguments;
                   return find_shots(*o);
                 }};
});

}  // namespace
}  // namespace vidattn::shots_command
