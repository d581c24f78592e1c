#include "harness/workloads/film/film.h"

#include "harness/cli/command.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"

namespace vidattn {
namespace {

struct Options {
  FilmSpec film;
  std::string path;
};

int write(const Options& options) {
  catch_interrupts();
  Progress progress("rendering", 1000);
  const bool written = write_film(options.film, options.path, [&](double share) {
    progress.update(static_cast<int64_t>(share * 1000));
    return !interrupted();
  });
  return written ? 0 : 130;
}

const RegisterCommand registered(40, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  FilmSpec& film = options->film;
  auto* app = line.app.add_subcommand("film", "write vidattn's own film as a video file");
  app->add_option("--out", options->path, "video file: .mp4 or .avi")->required();
  app->add_option("--seed", film.seed, "seed")->capture_default_str();
  app->add_option("--frames", film.frames, "frames")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  app->add_option("--width", film.width, "pixels")
      ->capture_default_str()
      ->check(CLI::Range(16, 8192));
  app->add_option("--height", film.height, "pixels")
      ->capture_default_str()
      ->check(CLI::Range(16, 8192));
  app->callback([&line, options] { line.action = [options] { return write(*options); }; });
});

}  // namespace
}  // namespace vidattn
