#pragma once

#include <cstdint>

#include "attention/inputs.h"
#include "harness/workloads/dit/conditions.h"
#include "harness/workloads/qkv.h"

namespace vidattn {

/// What all blocks of one run share.
struct DitScene {
  const DitConfig& config;
  VideoGrid grid;
  Rope rope;
  DitConditions conditions;
};

/// A block of the network (DIT.md), whose visual attention somebody else does.
class DitBlock {
 public:
  DitBlock(const LayerParameters& parameters, const DitScene& scene);

  /// Steps 1 and 2, and the router's scores: what the visual attention reads (network.h).
  Inputs attention_inputs(const Matrix& x) const;
  /// Steps 4 to 6, from its output [L,H,D] float32.
  void finish(const Tensor& attended, Matrix& x) const;

 private:
  void add_attention(const Tensor& attended, Matrix& x) const;
  void add_captions(Matrix& x) const;
  void add_feed_forward(Matrix& x) const;

  LayerParameters parameters_;
  const DitScene& scene_;
  ShotVectors vectors_;  ///< a_0 to a_5
};

}  // namespace vidattn
