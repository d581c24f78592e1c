#include "baselines/text_tokens.h"

#include "attention/error.h"

namespace vidattn {

TextTokens text_tokens(const Inputs& in, const TextParams& p, const std::string& method) {
  const int64_t known = in.grid.known() ? in.grid.text_tokens : 0;
  const int64_t slots = p.context_length < 0 ? known : p.context_length;
  const int64_t prompt = p.prompt_length < 0 ? slots : p.prompt_length;
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
