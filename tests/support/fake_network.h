#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "metrics/video/networks/network.h"

namespace vidattn::testing {

/// A network that is a function of its inputs, and keeps what it was last given.
class FakeNetwork : public Network {
 public:
  using Inputs = std::vector<std::vector<float>>;
  using Function = std::function<std::vector<float>(const Inputs& inputs)>;
  explicit FakeNetwork(Function function) : function_(std::move(function)) {}

  std::vector<float> run(const std::vector<NetworkInput>& inputs,
                         const std::vector<int64_t>& shape) const override {
    asked = shape;
    shapes.clear();
    last.clear();
    for (const NetworkInput& input : inputs) {
      size_t count = 1;
      for (const int64_t n : input.shape) count *= static_cast<size_t>(n);
      shapes.push_back(input.shape);
      if (input.ids != nullptr)
        last.emplace_back(input.ids, input.ids + count);
      else
        last.emplace_back(input.values, input.values + count);
    }
    ++calls;
    return function_(last);
  }

  mutable std::vector<int64_t> asked;
  mutable std::vector<std::vector<int64_t>> shapes;
  mutable Inputs last;
  mutable int calls = 0;

 private:
  Function function_;
};

}  // namespace vidattn::testing
