// make_torchscript OUT SOURCE: saves a TorchScript network whose methods are SOURCE, as
// "def forward(self, x):\n  return x". A program of its own, so that no test has to link libtorch.
#include <torch/csrc/jit/api/module.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  try {
    torch::jit::Module module("tiny");
    module.define(argv[2]);
    module.save(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
