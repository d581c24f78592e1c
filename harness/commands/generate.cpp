#include "harness/dit/generate.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/distributed/ranks/session.h"
#include "harness/measure/density.h"

namespace vidattn::generate_command {
namespace {

struct Given {
  GenerateRequest request;
  std::string density;
  uint64_t clip = 0;
  bool other_clip = false;
};

GenerateRequest complete(const Given& given, const Arguments& arguments) {
  GenerateRequest request = given.request;
  if (!given.density.empty()) request.density = parse_density(given.density);
  if (given.other_clip) request.clip = given.clip;
  request.arguments = arguments;
  return request;
}

std::vector<Option> options(Given& o) {
  GenerateRequest& r = o.request;
  return {
      Option("--checkpoint", &r.checkpoint,
             "model that `vidattn train` wrote, or one that vidattn carries: nano, nano-480p")
          .shown_as("the one that the program carries"),
      Option("--backend", &r.backends, "NAME[:key=value,…]; may be repeated, or all")
          .shown_as("what the model was trained with"),
      Option("--reference-backend", &r.reference,
             "compare each video with this backend's, by PSNR and SSIM"),
      Option("--density", &o.density, "solve each backend's knob for this density"),
      Option("--steps", &r.steps, "denoising steps").in(2, 1000),
      Option("--shift", &r.shift, "of the noise levels, as Wan2.1 has it").in(0.01, 100),
      Option("--seed", &r.seed, "seed of the noise, the same for all backends, and of the clip")
          .in(0, 1e18),
      Option("--clip", &o.clip, "seed of the clip, where it is another one: cuts and captions")
          .in(0, 1e18)
          .tells(o.other_clip),
      Option("--grid", &r.grid, "latent frames, height and width in tokens: T,H,W")
          .of(3)
          .shown_as("the model's"),
      Option("--captions", &r.captions, "file with the captions, a line for each of the shots"),
      Option("--given", &r.given, "first shots that are given as the clip has them").in(0, 1024),
      device_option(r.device),
      dtype_option(r.dtype),
      distributed_option(r.layout, {}),
      rank_timeout_option(r.patience).needs("--distributed"),
      Option("--out", &r.video,
             "video: .mp4, .avi or .mkv (without loss); of several backends one each, named "
             "after it")
          .written(),
      Option("--json", &r.json, "JSON file for everything measured").written(),
      quiet_option()};
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  return Command{"generate",
                 "videos of a small trained DiT, with any backend as its attention",
                 options(*given),
                 [given](const Arguments& arguments) {
                   if (given->request.layout.empty())
                     refuse_ranks("paint everything: --distributed shares the attention");
                   return generate(complete(*given, arguments));
                 },
                 true,
                 exits_with_ranks("1 a method failed its check")};
});

}  // namespace
}  // namespace vidattn::generate_command
