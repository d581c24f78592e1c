#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vidattn {

/// An array lent to a network, row major.
struct NetworkInput {
  std::vector<int64_t> shape;
  const float* values = nullptr;
  const int64_t* ids = nullptr;  ///< in place of `values`: numbers of tokens
};

/// A network that the user gave. Stateless: may be run from several threads.
class Network {
 public:
  virtual ~Network() = default;
  /// Its output, which has to be finite and of `shape`, leading dimensions of 1 aside. Throws
  /// InputError that names the network when it fails or gives something else.
  virtual std::vector<float> run(const std::vector<NetworkInput>& inputs,
                                 const std::vector<int64_t>& shape) const = 0;
};

}  // namespace vidattn
