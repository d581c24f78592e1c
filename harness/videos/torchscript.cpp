#include "harness/videos/torchscript.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

#include "attention/error.h"
#include "harness/host/start/own_path.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

using Load = ImageModel* (*)(const char* path);

#ifdef VIDATTN_TORCH_PLUGIN
Load open_plugin() {
  // By its whole path: a bare name would be looked for elsewhere, too.
  const std::filesystem::path path = own_path().parent_path() / VIDATTN_TORCH_PLUGIN;
  if (!path.is_absolute()) throw InputError("libtorch cannot be loaded: own folder unknown");
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw InputError(fmt::format("libtorch cannot be loaded: {}", dlerror()));
  return reinterpret_cast<Load>(dlsym(library, "vidattn_load_torchscript"));
}
#else
Load open_plugin() {
  throw InputError("--model: this build has no libtorch; install libtorch-dev and build again");
}
#endif

}  // namespace

bool torchscript_available() {
#ifdef VIDATTN_TORCH_PLUGIN
  return true;
#else
  return false;
#endif
}

std::unique_ptr<ImageModel> load_torchscript(const std::string& path) {
  static const Load load = open_plugin();
  const InputFile readable{path};
  try {
    return std::unique_ptr<ImageModel>(load(path.c_str()));
  } catch (const std::runtime_error& error) {
    throw InputError(fmt::format("model {} is not TorchScript (torch.jit.save): {}",
                                 readable.name(), error.what()));
  }
}

}  // namespace vidattn
