#pragma once

#include <cstdint>

#include "attention/tensor.h"
#include "harness/workloads/dit/layers/conditions.h"
#include "harness/workloads/qkv.h"

namespace vidattn {

/// Queries, keys and values of the visual attention, [L,H,D] float32 each.
struct AttentionOperandTensors {
  Tensor q, k, v;
};

/// One kind of tokens in a block, with the weights that it has there (DIT.md): the video's, or in
/// MMDiT the words.
class TokenStream {
 public:
  /// `places` must outlive it.
  TokenStream(const LayerParameters& parameters, const DitConditions& conditions,
              const TokenPlaces& places, int64_t channels);

  /// Step 1: h, [tokens,C].
  Matrix modulated_states(const Matrix& x) const;
  /// Step 2, into the operands' rows from `first` on. Without weights for them queries stay zero.
  void project(const Matrix& h, const Rope& rope, int64_t first, AttentionOperandTensors& to) const;
  /// Step 4, from the tokens' rows [tokens,C] of the attention's output.
  void add_attention(const float* attended, Matrix& x) const;
  /// Step 6.
  void add_feed_forward(Matrix& x) const;
  /// Whether steps 4 and 6 are there: not for words that nothing reads any more.
  bool goes_on() const { return parameters_.has("o.weight"); }

 private:
  LayerParameters parameters_;
  const TokenPlaces& places_;
  ShotVectors vectors_;  ///< a_0 to a_5
};

}  // namespace vidattn
