#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace vidattn {

/// A network that takes one picture.
class ImageModel {
 public:
  virtual ~ImageModel() = default;
  /// `image` is float32 [1,3,H,W]. Returns the output [1,N] or [N] as N values. Throws
  /// std::runtime_error when the network fails or gives another shape.
  virtual std::vector<float> run(const float* image, int64_t height, int64_t width) = 0;
};

/// Loads a TorchScript file, on the CPU and in evaluation mode, by the plug-in (torch_library.h).
/// Throws InputError when the build has no libtorch, or the file is not TorchScript.
std::unique_ptr<ImageModel> load_torchscript(const std::string& path);

}  // namespace vidattn
