#include "harness/workloads/dit/layers/conditions.h"

#include <cmath>

#include "harness/workloads/dit/captions.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

/// [cos(1000 sigma w_i), sin(1000 sigma w_i)] of every shot, w_i = 10000^(-2i/C).
Matrix waves(const std::vector<double>& sigmas, int64_t channels) {
  constexpr double kTurns = 1000, kTheta = 10000;
  Matrix f(static_cast<int64_t>(sigmas.size()), channels);
  const int64_t half = channels / 2;
  for (int64_t s = 0; s < f.rows; ++s)
    for (int64_t i = 0; i < half; ++i) {
      const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(channels);
      const double angle = kTurns * sigmas[s] * std::pow(kTheta, exponent);
      f.row(s)[i] = static_cast<float>(std::cos(angle));
      f.row(s)[half + i] = static_cast<float>(std::sin(angle));
    }
  return f;
}

Matrix embedded_words(const LayerParameters& network, const std::vector<int32_t>& captions,
                      int64_t channels) {
  const float *words = network.vector("words"), *places = network.vector("places");
  Matrix c(static_cast<int64_t>(captions.size()), channels);
  for (int64_t i = 0; i < c.rows; ++i)
    for (int64_t channel = 0; channel < channels; ++channel)
      c.row(i)[channel] =
          words[captions[i] * channels + channel] + places[i % kCaptionTokens * channels + channel];
  return c;
}

TokenPlaces places_of_tokens(const VideoGrid& grid) {
  TokenPlaces places;
  for (int64_t i = 0; i < grid.video_tokens(); ++i) {
    places.shot.push_back(static_cast<int32_t>(shot_of(grid.shots, i / grid.frame_size())));
    places.token.push_back(static_cast<int32_t>(i));
  }
  return places;
}

TokenPlaces places_of_captions(const VideoGrid& grid) {
  TokenPlaces places;
  const auto shots = static_cast<int32_t>(grid.shots.size());
  for (int32_t shot = 0; shot < shots; ++shot) {
    places.shot.insert(places.shot.end(), kCaptionTokens, shot);
    places.token.insert(places.token.end(), kCaptionTokens, place_of_words(grid, shot));
  }
  return places;
}

}  // namespace

int32_t place_of_words(const VideoGrid& grid, int64_t shot) {
  const auto shots = static_cast<int64_t>(grid.shots.size());
  const int64_t end = shot + 1 < shots ? grid.shots[shot + 1] : grid.frames;
  return static_cast<int32_t>(grid.token((grid.shots[shot] + end) / 2, 0, 0));
}

DitConditions make_conditions(const LayerParameters& network, const VideoGrid& grid,
                              const std::vector<double>& sigmas,
                              const std::vector<int32_t>& captions) {
  const LinearLayer first = network.linear("time.0");
  Matrix hidden = first(waves(sigmas, first.inputs));
  silu(hidden);
  Matrix time = network.linear("time.1")(hidden);
  Matrix active = time;
  silu(active);
  return {places_of_tokens(grid), places_of_captions(grid), std::move(time),
          network.linear("time.project")(active), embedded_words(network, captions, first.inputs)};
}

ShotVectors::ShotVectors(const float* learned, int64_t vectors, int64_t channels,
                         const Matrix& shots)
    : channels_(channels), sums_(shots.rows, vectors * channels) {
  for (int64_t s = 0; s < shots.rows; ++s)
    for (int64_t i = 0; i < sums_.columns; ++i)
      sums_.row(s)[i] = learned[i] + shots.row(s)[i % shots.columns];
}

Matrix modulated(const Matrix& x, const TokenPlaces& places, const ShotVectors& vectors,
                 int64_t shift, int64_t scale) {
  Matrix y = layer_norm(x);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < y.rows; ++i) {
    const int64_t shot = places.shot[i];
    const float *add = vectors.of(shot, shift), *factor = vectors.of(shot, scale);
    for (int64_t c = 0; c < y.columns; ++c) y.row(i)[c] = y.row(i)[c] * (1 + factor[c]) + add[c];
  }
  return y;
}

void add_gated(const Matrix& y, const TokenPlaces& places, const ShotVectors& vectors, int64_t gate,
               Matrix& x) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < x.rows; ++i) {
    const float* factor = vectors.of(places.shot[i], gate);
    for (int64_t c = 0; c < x.columns; ++c) x.row(i)[c] += factor[c] * y.row(i)[c];
  }
}

}  // namespace vidattn
