#include "harness/host/output/thrown.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <system_error>
#include <thread>

#include "attention/device.h"
#include "attention/error.h"

namespace vidattn {
namespace {

template <class Throw>
void expect_said(Throw thrown, ExitCode code, const std::string& line) {
  ::testing::internal::CaptureStderr();
  ExitCode got = ExitCode::fine;
  try {
    thrown();
  } catch (...) {
    got = say_what_was_thrown();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "vidattn: " + line + "\n");
  EXPECT_EQ(got, code);
}

TEST(Thrown, IsOneLineAndAnExitCode) {
  expect_said([] { throw InputError("a\nb"); }, ExitCode::usage, "a b");
  expect_said([] { throw std::bad_alloc(); }, ExitCode::usage, "out of memory");
  expect_said([] { std::vector<int>().reserve(SIZE_MAX); }, ExitCode::usage, "out of memory");
  expect_said([] { throw std::runtime_error("x\n\ny"); }, ExitCode::fault, "fault: x y");
  expect_said([] { throw std::system_error(EAGAIN, std::generic_category()); }, ExitCode::usage,
              "no memory or no right for another thread");
  expect_said([] { throw 5; }, ExitCode::fault, "fault: something that is no exception was thrown");
  expect_said([] { static_cast<void>(nlohmann::json(5).at("a")); }, ExitCode::fault,
              "fault: [json.exception.type_error.304] cannot use at() with number");
  expect_said([] { throw cv::Exception(cv::Error::StsNoMem, "m", "f", "f.cpp", 1); },
              ExitCode::usage, "out of memory");
}

TEST(Thrown, ARecordHasTheSameWords) {
  const auto text = [](auto thrown) { return failure_text(std::make_exception_ptr(thrown)); };
  EXPECT_EQ(text(std::bad_alloc()), "out of memory");
  EXPECT_EQ(text(OutOfMemory("a tensor of 8 bytes")), "out of memory: a tensor of 8 bytes");
  EXPECT_EQ(text(DeviceError("lost")), "lost");
  EXPECT_EQ(text(std::runtime_error("x\n\ny")), "x y");
  EXPECT_EQ(text(7), "something that is no exception was thrown");
}

TEST(ThrownDeathTest, OpenCvsLinesBecomeOne) {
  ::testing::internal::CaptureStderr();
  try {
    throw cv::Exception(cv::Error::StsAssert, "m", "f", "f.cpp", 1);
  } catch (...) {
    EXPECT_EQ(say_what_was_thrown(), ExitCode::fault);
  }
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

/// Where nothing can catch it.
TEST(ThrownDeathTest, InAThreadEndsTheProgramInOneLine) {
  const auto in_a_thread = [](auto thrown) {
    end_in_one_line();
    std::thread(thrown).join();
  };
  EXPECT_EXIT(in_a_thread([] { throw std::runtime_error("a\nb"); }), ::testing::ExitedWithCode(4),
              "^vidattn: fault: a b\n$");
  EXPECT_EXIT(in_a_thread([] { throw std::bad_alloc(); }), ::testing::ExitedWithCode(3),
              "^vidattn: out of memory\n$");
}

TEST(ThrownDeathTest, InAParallelRegionEndsTheProgramInOneLine) {
  const auto in_parallel = [] {
    end_in_one_line();
#pragma omp parallel for num_threads(2)
    for (int i = 0; i < 2; ++i)
      if (i == 1) throw InputError("inside");
  };
  EXPECT_EXIT(in_parallel(), ::testing::ExitedWithCode(3), "^vidattn: inside\n$");
}

}  // namespace
}  // namespace vidattn
