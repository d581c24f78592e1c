#include "harness/host/programs/torch_library.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/host/programs/plugin.h"

namespace vidattn {

#ifdef VIDATTN_TORCH_PLUGIN
bool torch_available() { return true; }

void* torch_function(const char* name, const char* wanted_for) {
  static const Plugin plugin(VIDATTN_TORCH_PLUGIN, fmt::format("{}: libtorch", wanted_for));
  return plugin.function(name);
}
#else
bool torch_available() { return false; }

void* torch_function(const char*, const char* wanted_for) {
  throw InputError(fmt::format(
      "{}: this build has no libtorch; install libtorch-dev and build again", wanted_for));
}
#endif

}  // namespace vidattn
