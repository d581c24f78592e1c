#pragma once

#include <optional>

#include "attention/inputs.h"
#include "harness/workloads/dit/layers/token_stream.h"

namespace vidattn {

/// What all blocks of one run share.
struct DitScene {
  const DitConfig& config;
  VideoGrid grid;  ///< MMDiT's words are its text tokens
  Rope rope;
  DitConditions conditions;
};

/// What goes from block to block.
struct DitStates {
  Matrix video;  ///< [L,C]
  Matrix words;  ///< [S T,C], in MMDiT
};

/// A block of the network (DIT.md), whose visual attention somebody else does.
class DitBlock {
 public:
  DitBlock(const LayerParameters& parameters, const DitScene& scene);

  /// Steps 1 and 2, and the router's scores: what the visual attention reads (network.h).
  Inputs attention_inputs(const DitStates& states) const;
  /// Steps 4 to 6, from its output [scene.grid.tokens(),H,D] float32.
  void finish(const Tensor& attended, DitStates& states) const;

 private:
  void add_captions(Matrix& x) const;

  LayerParameters parameters_;
  const DitScene& scene_;
  TokenStream video_;
  std::optional<TokenStream> words_;
};

}  // namespace vidattn
