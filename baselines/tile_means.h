#pragma once

#include <map>
#include <memory>
#include <string>

#include "attention/backward/gradients.h"
#include "attention/inputs.h"
#include "attention/plan.h"
#include "baselines/blocks.h"

namespace vidattn {

// What VSA and its form for packed sequences do alike: tiles by the scores of their means, and a
// coarse branch that attends between the means (Zhang et al. 2025).

/// Sparsity s keeps ceil((1 - s) * tiles) key tiles, at least one; in double precision as the
/// authors compute it, so that 0.7 of 10 tiles keeps 4.
int64_t tiles_by_sparsity(double sparsity, int64_t tiles);

/// The call's input `gate`, [L,H,D] float32; null when none was given. Throws InputError naming
/// `method` for another shape or type.
std::shared_ptr<const Array> find_gate(const Inputs& in, const std::string& method);

/// One softmax per tile over all tiles, each counted once; every token takes its tile's result,
/// times the gate where there is one.
Branch coarse_branch(const Blocks& tiles, const BlockMeans& means,
                     std::shared_ptr<const Array> gate);

/// The gradient of the input `gate`, where coarse_branch() had one.
std::map<std::string, Array> gate_gradient(const Inputs& in, const Plan& plan,
                                           const Gradients& gradients);

/// Explains tile_label [L] and tile_count [tiles], and, where the call has a device to attend with,
/// o_coarse_tile [tiles,H,D]: the coarse branch's results before the gate.
void explain_tiles(const Inputs& in, const Blocks& tiles, const BlockMeans& means, Plan& plan);

}  // namespace vidattn
