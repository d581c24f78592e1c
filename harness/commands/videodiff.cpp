#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/videos/diff.h"

namespace vidattn::videodiff_command {
namespace {

const RegisterCommand registered([] {
  auto o = std::make_shared<VideoDiffOptions>();
  return Command{
      "videodiff",
      "compare videos frame by frame: PSNR, SSIM, difference in flicker",
      {Option("VIDEOS", &o->videos,
              "reference and video, any number of pairs: A B A B …; files, folders of frames, "
              "film or film:SEED")
           .required(),
       Option("--common-frames", &o->common_frames,
              "videos of unequal length: compare the frames that both have"),
       out_option(o->out, "JSON file, with the values of every frame"), quiet_option()},
      [o](const Arguments& arguments) {
        o->arguments = arguments;
        return diff_videos(*o);
      }};
});

}  // namespace
}  // namespace vidattn::videodiff_command
