#pragma once

#include <string>
#include <vector>

#include "attention/backend.h"

namespace vidattn {

// What serving engines do with tokens that are no video (text, condition frames, audio) around a
// method that knows video alone: their queries attend to all tokens, and every query sees their
// keys.

/// The call without the tokens after the video: q, k and v are views of the same memory, and of the
/// declared inputs those with an axis of tokens ("[L,…]") are cut.
Inputs video_alone(const Inputs& in, const std::vector<InputSpec>& declared);

/// Makes a plan of video_alone(in) one of all tokens. Every branch over the call's own keys gets
/// the keys of the other tokens; their queries stand in the first such branch, with weight 1. False
/// where no branch is over the call's own tokens: then the plan is as it was.
bool add_other_tokens(const Inputs& in, Plan& plan);

}  // namespace vidattn
