#pragma once

#include <cstddef>

#include "attention/device.h"

/// What a forward pass keeps for the backward pass (Output::keep).
namespace vidattn {

/// Whether the output is the result of one softmax, in float32, which nothing weighs or adds to.
bool is_softmax_alone(const Plan& plan, const Inputs& in);

/// The branch without its weights.
Branch without_weights(const Branch& branch);

/// Adds the result of a softmax, [L,H,DV] float32, to the output with the weights of its branch.
void add_weighted(const Branch& branch, const Inputs& in, const Tensor& softmax, Tensor& o);

/// The result [L,H,DV] float32 of the softmax that begins with branch `first`. Throws
/// std::logic_error when the run did not keep it: another device may keep less.
const Tensor& kept_softmax(const Plan& plan, const Inputs& in, const Output& kept, size_t first);

}  // namespace vidattn
