#pragma once

#include <string>

#include "attention/inputs.h"
#include "attention/methods/fields.h"

namespace vidattn {

/// A sequence of video tokens, then the tokens of the real prompt, then padding up to the text
/// slots (HunyuanVideo: 256 slots). Padding sees, and is seen by, padding only.
struct TextTokens {
  int64_t video = 0, prompt = 0, padding = 0;

  int64_t real() const { return video + prompt; }  ///< tokens that are no padding
  int64_t length() const { return real() + padding; }
};

/// Parameters of a method that knows prompt and padding: a member among its own ones, made from
/// them.
struct TextParams : ParamFields {
  TextParams(const ParamFields& of, const char* source) : ParamFields(of), source_(source) {}
  const char* source_;
  int64_t context_length =
      integer("context_length", -1,
              "Text slots after the video tokens; -1 = the grid's text tokens.", source_, -1);
  int64_t prompt_length = integer(
      "prompt_length", -1,
      "Text slots that hold the real prompt, the others being padding; -1 = all.", source_, -1);
};

/// The parts of the call's sequence; slots default to the grid's text tokens, the prompt to all of
/// them. Throws InputError naming `method` when the numbers contradict each other or the inputs.
TextTokens text_tokens(const Inputs& in, const TextParams& p, const std::string& method);

}  // namespace vidattn
