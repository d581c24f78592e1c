#pragma once

#include <cstdint>
#include <vector>

#include "metrics/shots/transnet/activations.h"

namespace vidattn {

/// Four convolutions of three frames each, that lie 1, 2, 4 and 8 frames apart, side by side: a
/// quarter of the channels of the result is of each. Frames outside are zeros.
struct DilatedConvolution {
  static constexpr int64_t kBranches = 4;

  int64_t in = 0, filters = 0;  ///< channels that each reads and makes
  /// Channels from where one branch reads to where the next does; 0 = all read the same.
  int64_t step = 0;
  std::vector<float> weights =
      {};  ///< [4, 3, filters, in], the middle one of three is the frame's own
  std::vector<float> bias = {};  ///< [4 filters]

  /// `output` gets the frames of `input`; its rows below them are left as they are. OpenMP threads
  /// share the frames.
  void run(const Activations& input, Activations& output) const;
};

}  // namespace vidattn
