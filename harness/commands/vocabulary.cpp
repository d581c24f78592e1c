#include <fmt/format.h>

#include <opencv2/imgproc.hpp>

#include "harness/cli/command.h"
#include "harness/host/progress.h"
#include "harness/io/file.h"
#include "harness/workloads/film/film.h"
#include "metrics/video/descriptors/dense_sift.h"

namespace vidattn {
namespace {

constexpr int kColumns = 16;  // numbers per line of the file

struct Options {
  std::string out;
  int64_t films = 24, frames_per_film = 8;
};

/// Descriptors of films that no default seed shows, at the size that frames are described in.
cv::Mat descriptors(const Options& options) {
  cv::Mat all;
  Progress progress("rendering", options.films);
  for (int64_t i = 0; i < options.films; ++i) {
    const Film film({.seed = 1000 + static_cast<uint64_t>(i), .height = 160, .width = 284});
    for (int64_t f = 0; f < options.frames_per_film; ++f) {
      cv::Mat grey;
      cv::cvtColor(film.frame(f * film.spec().frames / options.frames_per_film), grey,
                   cv::COLOR_BGR2GRAY);
      all.push_back(dense_sift(grey).descriptors);
    }
    progress.update(i + 1);
  }
  return all;
}

int train(const Options& options) {
  OutputFile file(options.out);
  const cv::Mat words = train_sift_vocabulary(descriptors(options), 1);
  std::string text;
  for (int i = 0; i < static_cast<int>(words.total()); ++i)
    text += fmt::format("{},{}", cvRound(1000 * words.ptr<float>()[i]),
                        i % kColumns == kColumns - 1 ? "\n" : "");
  file.write(text.data(), text.size());
  file.commit();
  return 0;
}

const RegisterCommand registered(90, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  auto* app = line.app.add_subcommand(
      "vocabulary", "train the descriptors' vocabulary on rendered film (metrics/*.inc)");
  app->add_option("--out", options->out, "source array to write")->required();
  app->add_option("--films", options->films, "films")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app->add_option("--frames", options->frames_per_film, "frames of each film")
      ->capture_default_str()
      ->check(CLI::Range(1, 81));
  app->callback([&line, options] { line.action = [options] { return train(*options); }; });
});

}  // namespace
}  // namespace vidattn
