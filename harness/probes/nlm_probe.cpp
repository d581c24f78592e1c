#include "harness/probes/nlm_probe.h"

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "harness/probes/scores.h"
#include "metrics/plan/cross_shot_mass.h"

namespace vidattn {
namespace {

constexpr float kMostlyElsewhere = 0.5;

}  // namespace

double RestoredVideo::score(const std::string& name) const {
  const VideoScore* found = find_score(scores, name);
  return found ? found->value : NAN;
}

Restoration::Restoration(Clip clip, double sigma, uint64_t seed, const std::string& device,
                         Backbones networks)
    : clip_(std::move(clip)),
      device_(device),
      networks_(std::move(networks)),
      noisy_frames_(add_noise(clip_.frames, sigma, seed)),
      nlm_(noisy_frames_, clip_.shots, sigma) {
  Output output;
  ProbeRun run = run_probe("full", nlm_.inputs(), {.device = device_}, output);
  if (run.passed()) find_repeated(output.lse[0]);
  clean_.run = {.backend = "(clean)", .outcome = "passed"};
  clean_.scores = probe_scores(clip_, clip_.frames, repeated_, networks_);
  noisy_.run = {.backend = "(noisy)", .outcome = "passed"};
  noisy_.frames = to_8_bit(noisy_frames_);
  noisy_.scores = probe_scores(clip_, noisy_.frames, repeated_, networks_);
  full_ = judge(std::move(run), output);
}

/// The first head's patches tile the frame without overlap.
void Restoration::find_repeated(const std::vector<float>& full_lse) {
  const VideoGrid& grid = nlm_.inputs().grid;
  const auto mass = cross_shot_mass(nlm_.inputs(), full_lse, find_device(device_));
  for (int64_t t = 0; t < grid.frames; ++t) {
    cv::Mat mask = cv::Mat::zeros(clip_.frames[0].size(), CV_8UC1);
    for (int64_t y = 0; y < grid.height; ++y)
      for (int64_t x = 0; x < grid.width; ++x)
        if (mass[grid.token(t, y, x) * NonLocalMeans::kHeads] > kMostlyElsewhere)
          mask({nlm_.place(0, y, x), cv::Size(NonLocalMeans::kPatch, NonLocalMeans::kPatch)}) = 255;
    repeated_.push_back(mask);
  }
}

double Restoration::repeated_share() const {
  double inside = 0, all = 0;
  for (const cv::Mat& mask : repeated_) {
    inside += cv::countNonZero(mask);
    all += static_cast<double>(mask.total());
  }
  return all > 0 ? inside / all : 0;
}

RestoredVideo Restoration::restore(const std::string& backend,
                                   std::optional<double> density) const {
  Output output;
  ProbeRun run = run_probe(backend, nlm_.inputs(), {.density = density, .device = device_}, output);
  return judge(std::move(run), output);
}

RestoredVideo Restoration::judge(ProbeRun run, const Output& output) const {
  RestoredVideo video;
  if (run.passed()) {
    NonLocalMeans::Result result = nlm_.restore(output.o);
    video.frames = to_8_bit(result.frames);
    video.unseen = result.unseen;
    video.scores = probe_scores(clip_, video.frames, repeated_, networks_);
  }
  video.run = std::move(run);
  return video;
}

}  // namespace vidattn
