#include <fmt/format.h>

#include <memory>
#include <opencv2/imgproc.hpp>

#include "attention/cancel.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/host/progress.h"
#include "harness/io/file.h"
#include "harness/workloads/film/film.h"
#include "metrics/video/descriptors/dense_sift.h"

namespace vidattn::vocabulary_command {
namespace {

constexpr int kColumns = 16;  // numbers per line of the file

struct Given {
  std::string out;
  int64_t films = 24, frames_per_film = 8;
};

/// Descriptors of films that no default seed shows, at the size that frames are described in.
cv::Mat descriptors(const Given& given) {
  cv::Mat all;
  Progress progress("rendering", given.films);
  for (int64_t i = 0; i < given.films; ++i) {
    throw_if_cancelled();
    const Film film({.seed = 1000 + static_cast<uint64_t>(i), .height = 160, .width = 284});
    for (int64_t f = 0; f < given.frames_per_film; ++f) {
      cv::Mat grey;
      cv::cvtColor(film.frame(f * film.spec().frames / given.frames_per_film), grey,
                   cv::COLOR_BGR2GRAY);
      all.push_back(dense_sift(grey).descriptors);
    }
    progress.update(i + 1);
  }
  return all;
}

ExitCode train(const Given& given) {
  OutputFile file(given.out);
  const cv::Mat words = train_sift_vocabulary(descriptors(given), 1);
  std::string text;
  for (int i = 0; i < static_cast<int>(words.total()); ++i)
    text += fmt::format("{},{}", cvRound(1000 * words.ptr<float>()[i]),
                        i % kColumns == kColumns - 1 ? "\n" : "");
  file.write(text.data(), text.size());
  file.commit();
  return ExitCode::fine;
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  return Command{"vocabulary",
                 "train the descriptors' vocabulary on rendered film (metrics/video/descriptors)",
                 {out_option(given->out, "source array to write").written().required(),
                  Option("--films", &given->films, "films").in(1, 1000),
                  Option("--frames", &given->frames_per_film, "frames of each film").in(1, 81)},
                 [given](const Arguments&) { return train(*given); }};
});

}  // namespace
}  // namespace vidattn::vocabulary_command
