#pragma once

#include <string>
#include <vector>

#include "harness/probes/clip.h"
#include "harness/probes/probe.h"
#include "harness/videos/backbones.h"
#include "metrics/video/nlm.h"
#include "metrics/video/video_metric.h"

namespace vidattn {

/// A video and what is measured on it.
struct RestoredVideo {
  ProbeRun run;
  std::vector<cv::Mat> frames;  ///< 8UC3; empty unless the run passed
  double unseen = 0;            ///< share of patches that saw no key and stayed noisy
  std::vector<VideoScore> scores;

  /// NaN when it was not measured.
  double score(const std::string& name) const;
};

/// Restoration of one clip under one noise: every backend gets the same tensors.
class Restoration {
 public:
  /// Adds the noise, poses the task and runs full attention, against which all are paired.
  /// `networks` give scores, too.
  Restoration(Clip clip, double sigma, uint64_t seed, const std::string& device,
              Backbones networks = {});

  const Clip& clip() const { return clip_; }
  const NonLocalMeans& nlm() const { return nlm_; }
  /// The clip itself, and with the noise: what the scores say of either.
  const RestoredVideo& clean() const { return clean_; }
  const RestoredVideo& noisy() const { return noisy_; }
  const RestoredVideo& full() const { return full_; }
  /// Share of the pixels whose content repeats in other shots: full attention has more than half
  /// of its mass there.
  double repeated_share() const;

  RestoredVideo restore(const std::string& backend, std::optional<double> density) const;

 private:
  void find_repeated(const std::vector<float>& full_lse);
  RestoredVideo judge(ProbeRun run, const Output& output) const;

  Clip clip_;
  std::string device_;
  Backbones networks_;
  std::vector<cv::Mat> noisy_frames_;  ///< 32FC3
  NonLocalMeans nlm_;
  std::vector<cv::Mat> repeated_;  ///< 8UC1 per frame
  RestoredVideo clean_, noisy_, full_;
};

}  // namespace vidattn
