#include "harness/host/output/outputs.h"

#include <gtest/gtest.h>

#include <new>
#include <string>

#include "attention/error.h"

namespace vidattn {
namespace {

TEST(Outputs, OneThatFailsKeepsNoOtherFromBeingWritten) {
  Outputs outputs;
  std::string written;
  ::testing::internal::CaptureStderr();
  outputs.write([&] { written += "a"; });
  EXPECT_EQ(outputs.code(ExitCode::fine), ExitCode::fine);
  outputs.write([] { throw InputError("cannot write \"b\""); });
  outputs.write([] { throw std::bad_alloc(); });
  outputs.write([&] { written += "c"; });
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "vidattn: cannot write \"b\"\nvidattn: out of memory\n");
  EXPECT_EQ(written, "ac");
}

TEST(Outputs, AVerdictStaysWhereSomethingCouldNotBeWritten) {
  Outputs outputs;
  ::testing::internal::CaptureStderr();
  outputs.write([] { throw InputError("no"); });
  ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(outputs.code(ExitCode::fine), ExitCode::usage);
  EXPECT_EQ(outputs.code(ExitCode::regression), ExitCode::regression);
  EXPECT_EQ(outputs.code(ExitCode::invalid), ExitCode::invalid);
}

TEST(Outputs, AnEarlyCopyMayFail) {
  Outputs outputs;
  Outputs::keep([] { throw InputError("no"); });
  EXPECT_EQ(outputs.code(ExitCode::fine), ExitCode::fine);
}

}  // namespace
}  // namespace vidattn
