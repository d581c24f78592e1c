#include "harness/measure/record/pass.h"

#include <iterator>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr const char* kPassNames[] = {"forward", "backward", "both"};

}  // namespace

std::string to_string(Pass pass) { return kPassNames[static_cast<int>(pass)]; }

std::string timed_text(Pass pass) {
  if (pass == Pass::backward) return "the backward pass";
  return pass == Pass::forward ? "plan + run" : "plan + run + the backward pass";
}

Pass parse_pass(const std::string& name) {
  for (size_t i = 0; i < std::size(kPassNames); ++i)
    if (name == kPassNames[i]) return static_cast<Pass>(i);
  throw InputError("unknown pass '" + name + "': forward, backward or both");
}

}  // namespace vidattn
