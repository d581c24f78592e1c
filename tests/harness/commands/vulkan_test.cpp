#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/harness/tool.h"

namespace vidattn {
namespace {

bool no_device() { return run_tool("list").out.find("vulkan:0") == std::string::npos; }

TEST(VulkanTool, NoDeviceIsOneLine) {
  setenv("VK_ICD_FILENAMES", "/nonexistent.json", 1);
  const ToolResult run = run_tool("run --device vulkan --workload film --grid 1,4,4");
  const ToolResult list = run_tool("list"),
                   cpu = run_tool("run --quiet --workload film --grid 1,4,4");
  unsetenv("VK_ICD_FILENAMES");
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_NE(run.err.find("vulkan"), std::string::npos) << run.err;
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_NE(list.out.find("vulkan: none ("), std::string::npos) << list.out;
  EXPECT_EQ(cpu.exit_code, 0) << cpu.err;
}

TEST(VulkanTool, TooLittleMemoryNamesTheSizesSlow) {
  if (no_device()) GTEST_SKIP() << "no Vulkan device";
  setenv("VIDATTN_VULKAN_MEMORY_MIB", "0.5", 1);
  const ToolResult result =
      run_tool("run --device vulkan --backend full --workload film --grid 2,20,20 --quiet");
  unsetenv("VIDATTN_VULKAN_MEMORY_MIB");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("MiB"), std::string::npos) << result.err;
}

/// All backends on both devices in one table; a case that fails its check would be the exit code.
TEST(VulkanTool, MainJobOnTwoDevicesSlow) {
  if (no_device()) GTEST_SKIP() << "no Vulkan device";
  const std::string file =
      std::filesystem::temp_directory_path() / ("vulkan_" + std::to_string(getpid()) + ".json");
  const ToolResult result = run_tool(
      "run --device cpu --device vulkan --backend all --grid 4,8,8 --heads 2 --dim 32 --repeat 1 "
      "--quiet --out " +
      file);
  EXPECT_TRUE(ran_right(result)) << result.out << result.err;
  const auto record = nlohmann::json::parse(std::ifstream(file));
  std::filesystem::remove(file);
  EXPECT_TRUE(record["devices"]["vulkan"].contains("driver"));
  int passed = 0;
  for (const auto& c : record["cases"]) {
    if (c["outcome"] != "passed" || !c["device"].get<std::string>().starts_with("vulkan:"))
      continue;
    ++passed;
    EXPECT_GT(c["metrics"]["device_time"]["value"].get<double>(), 0) << c["backend"];
    EXPECT_LT(c["metrics"]["check_error"]["value"].get<double>(), 2e-5) << c["backend"];
  }
  EXPECT_GE(passed, 10);
}

}  // namespace
}  // namespace vidattn
