// Part of the plug-in that has libtorch, which harness/host/programs/torch_library.cpp opens when a
// model is asked for.
#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <stdexcept>
#include <string>

#include "harness/videos/torchscript.h"

namespace vidattn {
namespace {

/// The last line of TorchScript's message says what went wrong; those before are its trace.
std::string one_line(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

class LoadedModel : public TorchModel {
 public:
  explicit LoadedModel(const char* path) : module_(torch::jit::load(path, c10::kCPU)) {
    module_.eval();
  }

  std::vector<float> run(const float* values, const std::vector<int64_t>& shape) override {
    const c10::InferenceMode no_gradients;
    try {
      // from_blob wants a pointer to non-const but only lends it to the network's input.
      const at::Tensor input = at::from_blob(const_cast<float*>(values), shape);
      const c10::IValue result = module_.forward({input});
      if (!result.isTensor()) throw std::runtime_error("its output is no tensor");
      return flat(result.toTensor());
    } catch (const std::exception& error) {
      throw std::runtime_error(one_line(error));
    }
  }

 private:
  static std::vector<float> flat(const at::Tensor& output) {
    if (output.dim() < 1 || output.numel() != output.size(-1)) {
      std::string shape;
      for (const int64_t n : output.sizes())
        shape += (shape.empty() ? "" : ",") + std::to_string(n);
      throw std::runtime_error("its output has shape [" + shape + "], expected [1,N]");
    }
    const at::Tensor row = output.reshape({-1}).to(at::kFloat).contiguous();
    return {row.data_ptr<float>(), row.data_ptr<float>() + row.numel()};
  }

  torch::jit::Module module_;
};

}  // namespace
}  // namespace vidattn

extern "C" vidattn::TorchModel* vidattn_load_torchscript(const char* path) {
  try {
    return new vidattn::LoadedModel(path);
  } catch (const std::exception& error) {
    throw std::runtime_error(vidattn::one_line(error));
  }
}
