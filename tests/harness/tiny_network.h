#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "harness/host/programs/torch_library.h"
#include "tests/harness/files.h"
#include "tests/paths.h"

namespace vidattn::testing {

/// Saves a TorchScript file with `forward(self, arguments)` of this body ("return x"), and returns
/// its path.
inline std::string tiny_network(const std::filesystem::path& path, const std::string& body,
                                const std::string& arguments = "x") {
#ifdef VIDATTN_MAKE_TORCHSCRIPT
  const std::string command = std::string(VIDATTN_MAKE_TORCHSCRIPT) + " " + path.string() +
                              " 'def forward(self, " + arguments + "):\n  " + body + "\n'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
#endif
  return path.string();
}

/// Tests with networks. Names begin with "Slow": those are left out under the sanitizers, in which
/// libtorch takes a minute to load.
class TinyNetworks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!torch_available()) GTEST_SKIP() << "built without libtorch";
  }

  TemporaryFolder folder_;
};

}  // namespace vidattn::testing
