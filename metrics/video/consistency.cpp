#include "metrics/video/consistency.h"

#include <algorithm>
#include <cmath>

namespace vidattn {

Feature unit_length(std::vector<float> values) {
  double square = 0;
  for (const float v : values) square += static_cast<double>(v) * v;
  const auto gain = static_cast<float>(1 / std::max(1e-12, std::sqrt(square)));
  for (float& v : values) v *= gain;
  return values;
}

double cosine(const Feature& a, const Feature& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

void FrameConsistency::add(Feature feature) {
  if (first_.empty()) {
    first_ = feature;
  } else {
    sum_ +=
        (std::max(0.0, cosine(feature, previous_)) + std::max(0.0, cosine(feature, first_))) / 2;
    ++pairs_;
  }
  previous_ = std::move(feature);
}

double FrameConsistency::value() const {
  return pairs_ == 0 ? std::nan("") : sum_ / static_cast<double>(pairs_);
}

double CrossShotConsistency::undefined() { return std::nan(""); }

void CrossShotConsistency::Sum::add(const Feature& feature) {
  features.resize(feature.size());
  for (size_t i = 0; i < feature.size(); ++i) features[i] += feature[i];
  ++count;
}

void CrossShotConsistency::Sum::add(const Sum& other) {
  features.resize(std::max(features.size(), other.features.size()));
  for (size_t i = 0; i < other.features.size(); ++i) features[i] += other.features[i];
  count += other.count;
}

double CrossShotConsistency::Sum::dot(const Feature& feature) const {
  double sum = 0;
  for (size_t i = 0; i < features.size(); ++i) sum += features[i] * feature[i];
  return sum;
}

void CrossShotConsistency::add(const Feature& feature, int64_t shot) {
  if (shot != shot_) {
    earlier_.add(current_);
    before_ = std::move(current_);
    before_shot_ = shot_;
    current_ = {};
    shot_ = shot;
  }
  sum_ += earlier_.dot(feature);
  pairs_ += earlier_.count;
  if (before_shot_ == shot - 1) {  // a shot between the two may have given no frame
    near_sum_ += before_.dot(feature);
    near_pairs_ += before_.count;
  }
  current_.add(feature);
}

LongRangeConsistency::LongRangeConsistency(int64_t frames)
    : stride_(std::max<int64_t>(1, (frames + kMostFrames - 1) / kMostFrames)) {}

bool LongRangeConsistency::wants_next() { return seen_++ % stride_ == 0; }

std::vector<double> LongRangeConsistency::by_distance() const {
  std::vector<double> mean;
  for (size_t distance = 1; distance < kept_.size(); ++distance) {
    double sum = 0;
    for (size_t i = distance; i < kept_.size(); ++i) sum += cosine(kept_[i], kept_[i - distance]);
    mean.push_back(sum / static_cast<double>(kept_.size() - distance));
  }
  return mean;
}

double LongRangeConsistency::far(const std::vector<double>& by_distance) {
  const auto span = static_cast<int64_t>(by_distance.size());
  double sum = 0, pairs = 0;
  for (int64_t distance = (span + 1) / 2; distance >= 1 && distance <= span; ++distance) {
    const auto weight = static_cast<double>(span + 1 - distance);  // pairs at this distance
    sum += by_distance[distance - 1] * weight;
    pairs += weight;
  }
  return pairs == 0 ? std::nan("") : sum / pairs;
}

std::vector<int64_t> shot_frames(int64_t start, int64_t end, int64_t count) {
  const int64_t length = end - start;
  std::vector<int64_t> frames;
  count = std::min(count, length);
  for (int64_t i = 0; i < count; ++i) frames.push_back(start + (2 * i + 1) * length / (2 * count));
  return frames;
}

}  // namespace vidattn
