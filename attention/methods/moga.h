#pragma once

#include <map>
#include <string>

#include "attention/inputs.h"
#include "attention/methods/router.h"
#include "attention/params.h"

namespace vidattn {

/// The router that moga, or moga_stga, with these parameters makes of a call's inputs, which must
/// outlive it. Throws InputError where they are not what it needs.
LinearRouter moga_router(const Inputs& in, const Params& params);

/// The gradients of a router's inputs by the names that these have: router_logits, or hidden,
/// router_weight and, where it has one, router_bias.
std::map<std::string, Array> moga_router_gradients(const LinearRouter& router,
                                                   RouterGradients found);

}  // namespace vidattn
