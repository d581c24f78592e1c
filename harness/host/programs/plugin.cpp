#include "harness/host/programs/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

#include "attention/error.h"
#include "harness/host/start/own_path.h"

namespace vidattn {

Plugin::Plugin(const std::string& file, const std::string& what) {
  // By its whole path: a bare name would be looked for elsewhere, too.
  const std::filesystem::path path = own_path().parent_path() / file;
  if (path.is_absolute()) library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr)
    throw InputError(fmt::format("{} cannot be loaded: {}", what,
                                 path.is_absolute() ? dlerror() : "own folder unknown"));
}

void* Plugin::function(const char* name) const { return dlsym(library_, name); }

}  // namespace vidattn
