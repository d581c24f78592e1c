#pragma once

#include "attention/device.h"
#include "attention/vulkan/gpu.h"
#include "attention/vulkan/tuning/tuning.h"

namespace vidattn::vulkan {

/// Runs a plan on an opened device. Heads that fit its memory together are one job; when not even
/// one head fits, a job is a block of its tokens. Index lists are made and uploaded once per plan
/// and serve all jobs of whole heads; a block of tokens has its own. Where more than the output has
/// to be kept (Output::keep), each softmax runs by itself and the host adds them up.
///
/// Throws InputError before any work, with the sizes, when the keys and values of one head and a
/// small block of tokens do not fit.
void execute(Gpu& gpu, Tuning& tuning, const Plan& plan, const Inputs& in, Output& out);

}  // namespace vidattn::vulkan
