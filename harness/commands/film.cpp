#include "harness/workloads/film/film.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"

namespace vidattn::film_command {
namespace {

struct Given {
  FilmSpec film;
  std::string path;
};

ExitCode write(const Given& given) {
  ShareProgress progress("rendering");
  const bool written = write_film(given.film, given.path, [&](double share) {
    progress.update(share);
    return !interrupted();
  });
  return written ? ExitCode::fine : ExitCode::interrupted;
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  FilmSpec& film = given->film;
  return Command{"film",
                 "write vidattn's own film as a video file",
                 {Option("--out", &given->path, "video file: .mp4 or .avi").required().written(),
                  Option("--seed", &film.seed, "seed").in(0, 1e18),
                  Option("--frames", &film.frames, "frames").in(1, 1000000),
                  Option("--width", &film.width, "pixels").in(16, 8192),
                  Option("--height", &film.height, "pixels").in(16, 8192)},
                 [given](const Arguments&) { return write(*given); }};
});

}  // namespace
}  // namespace vidattn::film_command
