// Part of the plug-in that has libtorch, which harness/host/programs/torch_library.cpp opens when a
// model is asked for.
#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "harness/videos/torchscript.h"

namespace vidattn {
namespace {

/// The last line of TorchScript's message says what went wrong; those before are its trace. One
/// line names an operator that this libtorch does not have.
std::string one_line(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  if (const size_t unknown = text.find("Unknown builtin op"); unknown != std::string::npos)
    return text.substr(unknown, text.find('\n', unknown) - unknown);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

class LoadedModule : public TorchModule {
 public:
  explicit LoadedModule(const char* path) : module_(torch::jit::load(path, c10::kCPU)) {
    module_.eval();
  }

  Output run(const std::vector<NetworkInput>& inputs) override {
    const c10::InferenceMode no_gradients;
    try {
      std::vector<c10::IValue> arguments;
      for (const NetworkInput& input : inputs) arguments.emplace_back(tensor(input));
      const c10::IValue result = module_.forward(arguments);
      if (!result.isTensor()) throw std::runtime_error("its output is no tensor");
      const at::Tensor flat = result.toTensor().to(at::kFloat).contiguous();
      return {flat.sizes().vec(), {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()}};
    } catch (const std::exception& error) {
      throw std::runtime_error(one_line(error));
    }
  }

 private:
  // from_blob wants a pointer to non-const but only lends it to the network's input.
  static at::Tensor tensor(const NetworkInput& input) {
    if (input.ids != nullptr)
      return at::from_blob(const_cast<int64_t*>(input.ids), input.shape, at::kLong);
    return at::from_blob(const_cast<float*>(input.values), input.shape, at::kFloat);
  }

  torch::jit::Module module_;
};

}  // namespace
}  // namespace vidattn

extern "C" vidattn::TorchModule* vidattn_load_torchscript(const char* path) {
  try {
    return new vidattn::LoadedModule(path);
  } catch (const std::exception& error) {
    throw std::runtime_error(vidattn::one_line(error));
  }
}
