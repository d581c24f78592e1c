#pragma once

#include <vector>

#include "attention/device.h"

namespace vidattn {

/// Share of full attention's mass that each query puts on keys of other shots, [L,H]: 1 -
/// exp(LSE within the query's shot - LSE over all). `full_lse` is full attention's, [L,H]; `device`
/// runs the plan within the shots. It says which content repeats across shots, so that a method
/// that looks into its own shot only must lose there. Needs in.grid.
std::vector<float> cross_shot_mass(const Inputs& in, const std::vector<float>& full_lse,
                                   const Device& device);

}  // namespace vidattn
