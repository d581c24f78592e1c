#pragma once

#include <cstdint>
#include <vector>

#include "metrics/shots/transnet/activations.h"

namespace vidattn {

/// Convolution of every frame by 3x3, padded with zeros, by Winograd's F(4x4,3x3) (Lavin and Gray
/// 2016): each 4x4 pixels of the result cost 36 products of channels where 144 were. In float32 its
/// results differ from the plain sums' by some 1e-6 of the largest one.
class WinogradConvolution {
 public:
  WinogradConvolution() = default;
  /// `weights`: [out, in, 3, 3].
  WinogradConvolution(const float* weights, int64_t out, int64_t in);

  /// Of `in` channels to `out`, which gets the same frames; its rows below them are left as they
  /// are. Takes the rows below the frames of `input` for zeros, whatever is in them. OpenMP threads
  /// share the rows.
  void run(const Activations& input, Activations& output) const;

 private:
  int64_t out_ = 0, in_ = 0;
  std::vector<float> weights_;  ///< [36, out, in]
};

}  // namespace vidattn
