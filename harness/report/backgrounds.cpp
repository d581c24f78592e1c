#include "harness/report/backgrounds.h"

#include "attention/error.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/film/film.h"
#include "harness/workloads/shots.h"
#include "harness/workloads/video/video_input.h"

namespace vidattn {
namespace {

using nlohmann::json;

std::vector<cv::Mat> frames_of(const Film& film, const std::vector<int64_t>& latent) {
  std::vector<cv::Mat> frames;
  for (const int64_t t : latent) frames.push_back(film.frame(first_pixel_frame(t)));
  return frames;
}

std::vector<cv::Mat> frames_of_film(const json& p, const std::vector<int64_t>& latent) {
  std::vector<int64_t> cuts;
  if (p.at("shots_from") == "given") cuts = p.at("shots_pixel").get<std::vector<int64_t>>();
  const Film film({.seed = p.at("seed"),
                   .frames = p.at("frames"),
                   .height = p.at("height"),
                   .width = p.at("width"),
                   .shots = cuts});
  return frames_of(film, latent);
}

std::vector<cv::Mat> frames_of_video(const json& p, const std::vector<int64_t>& latent) {
  const std::string path = p.at("path");
  const auto reader = open_frames(find_video(path));
  const FrameSampling sampling{.wanted = p.at("frames"), .stride = p.at("stride")};
  std::vector<cv::Mat> frames;
  int64_t position = 0;
  for (const int64_t t : latent) {
    for (; position < sampling.frame(first_pixel_frame(t)); ++position) reader->skip();
    frames.push_back(reader->next().clone());
    ++position;
    if (frames.back().empty()) throw InputError("its video ends early");
  }
  return frames;
}

/// The clip whose noised latents the network saw.
std::vector<cv::Mat> frames_of_clip(const json& p, const std::vector<int64_t>& latent) {
  const std::vector<int64_t> grid = p.at("grid");
  const TrainingClip clip(p.at("seed"), grid.at(0), grid.at(1), grid.at(2));
  return frames_of(clip.film(), latent);
}

}  // namespace

std::vector<cv::Mat> backgrounds_of(const Workload& workload, const std::vector<int64_t>& latent) {
  const json& p = workload.provenance;
  const std::string source = p.value("source", "");
  if (source == "film") return frames_of_film(p, latent);
  if (source == "dit") return frames_of_clip(p, latent);
  if (source == "video") return frames_of_video(p, latent);
  return {};
}

}  // namespace vidattn
