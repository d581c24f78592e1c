#pragma once

#include "attention/inputs.h"
#include "attention/methods/router.h"
#include "attention/params.h"

namespace vidattn {

/// The router that moga, or moga_stga, with these parameters makes of a call's inputs, which must
/// outlive it. Throws InputError where they are not what it needs.
LinearRouter moga_router(const Inputs& in, const Params& params);

}  // namespace vidattn
