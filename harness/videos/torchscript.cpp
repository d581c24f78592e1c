#include "harness/videos/torchscript.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "harness/host/programs/torch_library.h"
#include "harness/io/file.h"
#include "harness/io/stored_array.h"

namespace vidattn {
namespace {

using Load = TorchModule* (*)(const char* path);

std::unique_ptr<TorchModule> load_module(const std::string& path) {
  static const auto load =
      reinterpret_cast<Load>(torch_function("vidattn_load_torchscript", "--model"));
  const InputFile readable{path};
  try {
    return std::unique_ptr<TorchModule>(load(path.c_str()));
  } catch (const std::runtime_error& error) {
    throw InputError(fmt::format("model {} is not TorchScript (torch.jit.save): {}",
                                 readable.name(), error.what()));
  }
}

/// Without leading dimensions of 1, which many networks leave out or add.
std::vector<int64_t> core(const std::vector<int64_t>& shape) {
  return {std::find_if(shape.begin(), shape.end(), [](int64_t n) { return n != 1; }), shape.end()};
}

class TorchNetwork : public Network {
 public:
  TorchNetwork(std::string key, std::string architecture, std::string path)
      : key_(std::move(key)),
        architecture_(std::move(architecture)),
        path_(std::move(path)),
        module_(load_module(path_)) {}

  std::vector<float> run(const std::vector<NetworkInput>& inputs,
                         const std::vector<int64_t>& shape) const override {
    TorchModule::Output output;
    try {
      output = module_->run(inputs);
    } catch (const std::runtime_error& error) {
      fail(inputs, error.what());
    }
    if (core(output.shape) != core(shape))
      fail(inputs, fmt::format("its output has shape {}, {} gives {}", shape_text(output.shape),
                               architecture_, shape_text(shape)));
    if (!std::all_of(output.values.begin(), output.values.end(),
                     [](float v) { return std::isfinite(v); }))
      fail(inputs, "its output is not finite");
    return std::move(output.values);
  }

 private:
  [[noreturn]] void fail(const std::vector<NetworkInput>& inputs, const std::string& what) const {
    std::string shapes;
    for (const NetworkInput& input : inputs)
      shapes += (shapes.empty() ? "" : " and ") + shape_text(input.shape);
    throw InputError(
        fmt::format("model {}={} fails on {}: {}", key_, in_quotes(path_), shapes, what));
  }

  std::string key_, architecture_, path_;
  std::unique_ptr<TorchModule> module_;
};

}  // namespace

std::shared_ptr<const Network> load_torchscript(const std::string& key,
                                                const std::string& architecture,
                                                const std::string& path) {
  return std::make_shared<TorchNetwork>(key, architecture, path);
}

}  // namespace vidattn
