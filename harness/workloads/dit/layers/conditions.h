#pragma once

#include <cstdint>
#include <vector>

#include "attention/grid.h"
#include "attention/terms/matrix.h"
#include "harness/workloads/dit/layers/layers.h"

namespace vidattn {

/// Where the tokens of a kind are, [tokens] each: in which shot, and the video token whose place
/// the rotary embedding gives them.
struct TokenPlaces {
  std::vector<int32_t> shot, token;
};

/// The video token whose place the words of a shot have: the first one of its middle latent frame.
int32_t place_of_words(const VideoGrid& grid, int64_t shot);

/// What the shots of a clip are told apart by in every layer: noise level and caption (DIT.md,
/// "Network": time and captions).
struct DitConditions {
  TokenPlaces video;  ///< [L]
  TokenPlaces word;   ///< [S T]
  Matrix time;        ///< e, [S,C]
  Matrix modulation;  ///< m, [S,6C]
  Matrix words;       ///< c, [S T,C]
};

/// `sigmas` is [S], `captions` [S,T]; both fit the grid's shots and the vocabulary.
DitConditions make_conditions(const LayerParameters& network, const VideoGrid& grid,
                              const std::vector<double>& sigmas,
                              const std::vector<int32_t>& captions);

/// Some vectors of C channels each, learned ones plus those of every shot.
class ShotVectors {
 public:
  /// `learned` is [vectors, C]; `shots` [S, vectors C] or more, of which the first count, or [S,C]
  /// where every vector has the same.
  ShotVectors(const float* learned, int64_t vectors, int64_t channels, const Matrix& shots);
  const float* of(int64_t shot, int64_t vector) const {
    return sums_.row(shot) + vector * channels_;
  }

 private:
  int64_t channels_;
  Matrix sums_;  ///< [S, vectors C]
};

/// LN(x) (1 + scale) + shift of the row's shot.
Matrix modulated(const Matrix& x, const TokenPlaces& places, const ShotVectors& vectors,
                 int64_t shift, int64_t scale);
/// x += gate y, the gate of the row's shot.
void add_gated(const Matrix& y, const TokenPlaces& places, const ShotVectors& vectors, int64_t gate,
               Matrix& x);

}  // namespace vidattn
