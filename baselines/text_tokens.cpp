#include "baselines/text_tokens.h"

#include "attention/error.h"

namespace vidattn {

std::vector<ParamSpec> text_params(const std::string& source) {
  return {
      {"context_length", int64_t{-1},
       "Text slots after the video tokens; -1 = the grid's text tokens.", source, -1},
      {"prompt_length", int64_t{-1},
       "Text slots that hold the real prompt, the others being padding; -1 = all.", source, -1}};
}

TextTokens text_tokens(const Inputs& in, const Params& params, const std::string& method) {
  const int64_t known = in.grid.known() ? in.grid.text_tokens : 0;
  const int64_t given = params.integer("context_length");
  const int64_t slots = given < 0 ? known : given;
  const int64_t prompt =
      params.integer("prompt_length") < 0 ? slots : params.integer("prompt_length");
  if (in.grid.known() && slots != known)
    throw InputError(method + ": context_length is " + std::to_string(slots) +
                     ", but the grid has " + std::to_string(known) + " text tokens");
  if (slots >= in.length())
    throw InputError(method + ": context_length " + std::to_string(slots) +
                     " leaves no video among the " + std::to_string(in.length()) + " tokens");
  if (prompt > slots)
    throw InputError(method + ": prompt_length " + std::to_string(prompt) +
                     " is more than the context_length " + std::to_string(slots));
  return {in.length() - slots, prompt, slots - prompt};
}

}  // namespace vidattn
