#pragma once

#include <string>
#include <vector>

#include "attention/inputs.h"
#include "attention/params.h"

namespace vidattn {

/// A sequence of video tokens, then the tokens of the real prompt, then padding up to the text
/// slots (HunyuanVideo: 256 slots). Padding sees, and is seen by, padding only.
struct TextTokens {
  int64_t video = 0, prompt = 0, padding = 0;

  int64_t real() const { return video + prompt; }  ///< tokens that are no padding
  int64_t length() const { return real() + padding; }
};

/// Parameters context_length (text slots) and prompt_length (real text tokens among them).
std::vector<ParamSpec> text_params(const std::string& source);

/// The parts of the call's sequence; slots default to the grid's text tokens, the prompt to all of
/// them. Throws InputError naming `method` when the numbers contradict each other or the inputs.
TextTokens text_tokens(const Inputs& in, const Params& params, const std::string& method);

}  // namespace vidattn
