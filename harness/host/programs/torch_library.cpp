#include "harness/host/programs/torch_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

#include "attention/error.h"
#include "harness/host/start/own_path.h"

namespace vidattn {

#ifdef VIDATTN_TORCH_PLUGIN
bool torch_available() { return true; }

void* torch_function(const char* name, const char* wanted_for) {
  static void* const library = [&] {
    // By its whole path: a bare name would be looked for elsewhere, too.
    const std::filesystem::path path = own_path().parent_path() / VIDATTN_TORCH_PLUGIN;
    void* opened = path.is_absolute() ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (opened == nullptr)
      throw InputError(fmt::format("{}: libtorch cannot be loaded: {}", wanted_for,
                                   path.is_absolute() ? dlerror() : "own folder unknown"));
    return opened;
  }();
  return dlsym(library, name);
}
#else
bool torch_available() { return false; }

void* torch_function(const char*, const char* wanted_for) {
  throw InputError(fmt::format(
      "{}: this build has no libtorch; install libtorch-dev and build again", wanted_for));
}
#endif

}  // namespace vidattn
