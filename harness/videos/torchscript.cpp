#include "harness/videos/torchscript.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/host/programs/torch_library.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

using Load = TorchModel* (*)(const char* path);

}  // namespace

std::unique_ptr<TorchModel> load_torchscript(const std::string& path) {
  static const auto load =
      reinterpret_cast<Load>(torch_function("vidattn_load_torchscript", "--model"));
  const InputFile readable{path};
  try {
    return std::unique_ptr<TorchModel>(load(path.c_str()));
  } catch (const std::runtime_error& error) {
    throw InputError(fmt::format("model {} is not TorchScript (torch.jit.save): {}",
                                 readable.name(), error.what()));
  }
}

}  // namespace vidattn
