#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "metrics/video/networks/network.h"

namespace vidattn {

/// A TorchScript file as the plug-in has it (torch_library.h).
class TorchModule {
 public:
  struct Output {
    std::vector<int64_t> shape;
    std::vector<float> values;
  };
  virtual ~TorchModule() = default;
  /// Throws std::runtime_error of one line when the network fails or gives no tensor.
  virtual Output run(const std::vector<NetworkInput>& inputs) = 0;
};

/// Loads a TorchScript file, on the CPU and in evaluation mode. `key` is that of `--model KEY=FILE`
/// and `architecture` what it stands for, for messages. Throws InputError when the build has no
/// libtorch, or the file is not TorchScript.
std::shared_ptr<const Network> load_torchscript(const std::string& key,
                                                const std::string& architecture,
                                                const std::string& path);

}  // namespace vidattn
