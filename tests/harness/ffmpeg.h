#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/harness/tool.h"

namespace vidattn::testing {

/// Makes an input with the program of FFmpeg.
inline void ffmpeg(const std::string& arguments) {
  const ToolResult result = run_shell("ffmpeg -nostdin -v error -y " + arguments);
  ASSERT_EQ(result.exit_code, 0) << arguments << "\n" << result.err;
}

}  // namespace vidattn::testing
