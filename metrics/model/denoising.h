#pragma once

#include <cstdint>

namespace vidattn {

/// Speedup of a whole of which `share` becomes `speedup` times faster (Amdahl).
constexpr double amdahl(double share, double speedup) { return 1 / (1 - share + share / speedup); }

/// The share that Amdahl's law needs for a whole to gain `whole` from a part's `speedup`; above 1
/// when no share suffices.
constexpr double amdahl_share(double whole, double speedup) {
  return (1 - 1 / whole) / (1 - 1 / speedup);
}

/// A whole generation: `steps` denoising steps of `passes` forward passes (2 with classifier-free
/// guidance) through `layers` layers. The first dense_steps steps, and the first dense_layers
/// layers of every step, keep full attention, as training-free methods do.
struct DenoisingRun {
  int64_t steps = 50, passes = 2, layers = 30;
  int64_t dense_steps = 0, dense_layers = 0;

  bool operator==(const DenoisingRun&) const = default;
  int64_t forward_passes() const { return steps * passes; }
  /// Share of the attention calls that are sparse.
  double sparse_share() const {
    return (1 - static_cast<double>(dense_steps) / static_cast<double>(steps)) *
           (1 - static_cast<double>(dense_layers) / static_cast<double>(layers));
  }
  /// Mean density over all calls, given that of a sparse one.
  double density(double sparse) const { return 1 - sparse_share() * (1 - sparse); }
  /// Speedup of all attention calls together, given that of a sparse one.
  double attention_speedup(double sparse) const { return amdahl(sparse_share(), sparse); }
};

}  // namespace vidattn
