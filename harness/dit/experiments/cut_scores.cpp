#include "harness/dit/experiments/cut_scores.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "attention/error.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

/// The pixel frame that a latent frame begins with.
int64_t first_frame(int64_t latent) { return latent == 0 ? 0 : pixel_frames(latent); }

/// Mean picture of every latent frame, 32FC3.
std::vector<cv::Mat> latent_means(const VideoGrid& grid, const std::vector<cv::Mat>& frames) {
  std::vector<cv::Mat> means;
  for (int64_t t = 0; t < grid.frames; ++t) {
    cv::Mat sum(frames.front().size(), CV_32FC3, cv::Scalar::all(0));
    for (int64_t i = first_frame(t); i < first_frame(t + 1); ++i) cv::accumulate(frames[i], sum);
    means.emplace_back(sum / static_cast<double>(first_frame(t + 1) - first_frame(t)));
  }
  return means;
}

double change(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total() * 3);
}

/// Change behind the cuts over that inside of the shots.
double flicker(const VideoGrid& grid, int64_t given, const std::vector<cv::Mat>& frames) {
  constexpr int64_t kLeast = 3;
  const std::vector<cv::Mat> means = latent_means(grid, frames);
  double behind = 0, inside = 0;
  for (auto shot = static_cast<size_t>(given); shot < grid.shots.size(); ++shot) {
    const int64_t first = grid.shots[shot];
    const int64_t end = shot + 1 < grid.shots.size() ? grid.shots[shot + 1] : grid.frames;
    if (end - first < kLeast) continue;
    behind += change(means[first], means[first + 1]);
    double later = 0;
    for (int64_t t = first + 1; t + 1 < end; ++t) later += change(means[t], means[t + 1]);
    inside += later / static_cast<double>(end - first - 2);
  }
  return behind / inside;
}

/// Summed over the frames from `first` on.
double detail(const std::vector<cv::Mat>& frames, int64_t first) {
  double sum = 0;
  for (size_t i = first; i < frames.size(); ++i) {
    cv::Mat luma, laplacian;
    cv::cvtColor(frames[i], luma, cv::COLOR_BGR2GRAY);
    cv::Laplacian(luma, laplacian, CV_16S, 1);
    sum += cv::norm(laplacian, cv::NORM_L1);
  }
  return sum;
}

}  // namespace

CutScores cut_scores(const TrainingClip& truth, int64_t given, const std::vector<cv::Mat>& frames) {
  const VideoGrid& grid = truth.grid();
  if (given >= static_cast<int64_t>(grid.shots.size())) throw InputError("every shot is given");
  const std::vector<cv::Mat> right = decode_latents(truth.latents(), grid);
  if (frames.size() != right.size())
    throw InputError("the video has " + std::to_string(frames.size()) + " frames, the clip " +
                     std::to_string(right.size()));
  const int64_t first = first_frame(grid.shots[given]);
  return {detail(frames, first) / detail(right, first),
          flicker(grid, given, frames) / flicker(grid, given, right)};
}

}  // namespace vidattn
