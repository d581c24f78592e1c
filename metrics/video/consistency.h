#pragma once

#include <cstdint>
#include <vector>

#include "metrics/video/descriptors/frame_descriptor.h"

namespace vidattn {

/// Scales values to unit length, as VBench does before it compares.
Feature unit_length(std::vector<float> values);

/// Dot product in float64: the cosine of two features. Both must have the same length.
double cosine(const Feature& a, const Feature& b);

/// VBench's subject and background consistency (Huang et al. 2024): for every frame t >= 1 the mean
/// of max(0, cos(f_t, f_{t-1})) and max(0, cos(f_t, f_0)), averaged over frames.
class FrameConsistency {
 public:
  void add(Feature feature);
  int64_t pairs() const { return pairs_; }
  /// NaN below two frames.
  double value() const;

 private:
  Feature first_, previous_;
  int64_t pairs_ = 0;
  double sum_ = 0;
};

/// Mean cosine over pairs of frames from different shots, as in the paper's Cross-Shot CLIP and
/// DINO: over all such pairs, or those of adjacent shots. Only sums of features are kept, so that
/// neither the number of shots nor of frames needs memory.
class CrossShotConsistency {
 public:
  /// The next frame that takes part; `shot` must not decrease.
  void add(const Feature& feature, int64_t shot);
  double all() const { return pairs_ == 0 ? undefined() : sum_ / pairs_; }
  double adjacent() const { return near_pairs_ == 0 ? undefined() : near_sum_ / near_pairs_; }
  double sum() const { return sum_; }      ///< of the cosines of all pairs
  double pairs() const { return pairs_; }  ///< their number

 private:
  struct Sum {
    std::vector<double> features;
    double count = 0;
    void add(const Feature& feature);
    void add(const Sum& other);
    double dot(const Feature& feature) const;
  };
  static double undefined();

  int64_t shot_ = -1, before_shot_ = -1;
  Sum current_, before_, earlier_;  ///< this shot, the one before it, all before this one
  double sum_ = 0, pairs_ = 0, near_sum_ = 0, near_pairs_ = 0;
};

/// Similarity as a function of the distance in time. At most 256 evenly spaced frames of the video
/// are kept and all their pairs compared.
class LongRangeConsistency {
 public:
  static constexpr int64_t kMostFrames = 256;

  explicit LongRangeConsistency(int64_t frames);
  /// Whether the next frame is one of those kept; ask once for every frame of the video.
  bool wants_next();
  void add(Feature feature) { kept_.push_back(std::move(feature)); }

  int64_t stride() const { return stride_; }  ///< frames from one kept frame to the next
  /// Mean cosine of the kept frames that are i + 1 strides apart; empty below two kept frames.
  std::vector<double> by_distance() const;
  /// Of that, the mean over all pairs at least half of the kept span apart; NaN when empty.
  static double far(const std::vector<double>& by_distance);

 private:
  int64_t stride_, seen_ = 0;
  std::vector<Feature> kept_;
};

/// The frames of a shot [start, end) that take part in cross-shot scores: the middles of `count`
/// equal parts, or every frame of a shorter shot.
std::vector<int64_t> shot_frames(int64_t start, int64_t end, int64_t count);

}  // namespace vidattn
