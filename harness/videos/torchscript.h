#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace vidattn {

/// A network with one input.
class TorchModel {
 public:
  virtual ~TorchModel() = default;
  /// `values` are float32 of `shape`, a picture's [1,3,H,W]. Returns the output [1,N] or [N] as N
  /// values. Throws std::runtime_error when the network fails or gives another shape.
  virtual std::vector<float> run(const float* values, const std::vector<int64_t>& shape) = 0;
};

/// Loads a TorchScript file, on the CPU and in evaluation mode, by the plug-in (torch_library.h).
/// Throws InputError when the build has no libtorch, or the file is not TorchScript.
std::unique_ptr<TorchModel> load_torchscript(const std::string& path);

}  // namespace vidattn
