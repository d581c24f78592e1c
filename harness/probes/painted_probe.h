#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/probes/probe.h"

namespace vidattn {

/// What a trained network painted with a backend as its visual attention.
struct Painted {
  ProbeRun run;  ///< its density is what the knob was solved to, on one call, or the rollout's
  double rollout_density = NAN;  ///< mean over all calls, the dense warm-up included
  double distance = NAN;     ///< relative L2 of its latents to those painted with full attention
  double colour_kept = NAN;  ///< share of a character's colour that was recalled (recall.h)
};

/// Painting by the network that the program carries (DIT.md): the first shot of a film of its size
/// is given, the others are painted from the same noise with every backend.
class PaintedProbe {
 public:
  static constexpr int64_t kSteps = 20;

  /// Paints with full attention, which the others are held against. Throws InputError for an
  /// unknown device, and when this build carries no network.
  PaintedProbe(uint64_t seed, const std::string& device);
  ~PaintedProbe();

  /// The knob is solved as for any rollout (dit_density.h). What the network's blocks refuse is
  /// skipped, as by run_probe().
  Painted paint(const std::string& backend, std::optional<double> density) const;

 private:
  struct Scene;
  std::unique_ptr<Scene> scene_;
};

}  // namespace vidattn
