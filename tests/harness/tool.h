#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "harness/cli/restart.h"
#include "tests/paths.h"

namespace vidattn {

struct ToolResult {
  int exit_code = -1;
  std::string out, err;
};

inline std::string read_all(FILE* stream) {
  std::string text;
  std::array<char, 4096> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), stream)) > 0;)
    text.append(buffer.data(), n);
  return text;
}

/// Half of a short run of the tool is starting itself again with what libraries read when they are
/// loaded (harness/cli/restart.h): here it has that from the start.
inline void tune_environment() {
  for (const auto& [variable, value] : missing_settings()) setenv(variable, value.c_str(), 1);
  setenv(kRestarted, "1", 1);
}

/// Runs a shell command.
inline ToolResult run_shell(const std::string& command) {
  tune_environment();
  const auto errors =
      std::filesystem::temp_directory_path() / ("vidattn_stderr_" + std::to_string(getpid()));
  FILE* pipe = popen(("{ " + command + "; } 2>" + errors.string()).c_str(), "r");
  ToolResult result;
  result.out = read_all(pipe);
  result.exit_code = WEXITSTATUS(pclose(pipe));
  FILE* file = fopen(errors.c_str(), "r");
  result.err = read_all(file);
  fclose(file);
  std::filesystem::remove(errors);
  return result;
}

/// Runs the vidattn program of this build.
inline ToolResult run_tool(const std::string& arguments) {
  return run_shell(std::string(VIDATTN_TOOL) + " " + arguments);
}

/// Ran, and every check held. 2 is a machine so disturbed, by other tests, too, that times or the
/// preflight are called invalid.
inline bool ran_right(const ToolResult& result) {
  return result.exit_code == 0 || result.exit_code == 2;
}

/// Expects that the tool refuses a line: exit code 3, one line on stderr with `part` in it, and
/// nothing on stdout.
inline void expect_refused(const std::string& arguments, const std::string& part = "") {
  const ToolResult result = run_tool(arguments);
  EXPECT_EQ(result.exit_code, 3) << arguments;
  EXPECT_NE(result.err.find(part), std::string::npos) << arguments << ": " << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1)
      << arguments << ": " << result.err;
  EXPECT_EQ(result.out, "") << arguments;
}

}  // namespace vidattn
