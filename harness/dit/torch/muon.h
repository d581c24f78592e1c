#pragma once

#include "harness/dit/torch/parameters.h"

namespace vidattn::dit_torch {

/// Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): steps of
/// weight matrices go along their momentum with all its singular values made about 1, by five
/// iterations of Newton and Schulz. As in Liu et al. 2025 ("Muon is scalable for LLM training"), a
/// step is that times the square root of the longer side, so that AdamW's learning rate fits.
class Muon {
 public:
  /// Whether it takes a parameter: the matrices inside of blocks, but not their routers, whose
  /// rows are groups.
  static bool takes(const std::string& name, const at::Tensor& parameter);

  explicit Muon(double weight_decay) : weight_decay_(weight_decay) {}

  /// Moves the parameters that it takes by their gradients.
  void step(Parameters& parameters, double rate);

  /// By name; empty before the first step.
  const Parameters& momentum() const { return momentum_; }
  void restore(const std::string& name, at::Tensor momentum) {
    momentum_[name] = std::move(momentum);
  }

 private:
  double weight_decay_;
  Parameters momentum_;
};

}  // namespace vidattn::dit_torch
