#include "harness/host/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace vidattn {
namespace {

// In child processes, because the flag is never lowered again.
[[noreturn]] void interrupt(int signal, int times, bool says = true) {
  catch_interrupts(says);
  if (interrupted()) std::_Exit(1);
  for (int i = 0; i < times; ++i) std::raise(signal);
  std::_Exit(interrupted() ? 0 : 2);
}

TEST(InterruptDeathTest, FirstSignalSetsTheFlag) {
  EXPECT_EXIT(interrupt(SIGINT, 1), testing::ExitedWithCode(0), "next safe point");
  EXPECT_EXIT(interrupt(SIGTERM, 1), testing::ExitedWithCode(0), "next safe point");
  EXPECT_EXIT(interrupt(SIGHUP, 1), testing::ExitedWithCode(0), "next safe point");
  EXPECT_FALSE(interrupted());
}

/// As after `nohup`.
TEST(InterruptDeathTest, AHangUpThatWasIgnoredStaysSo) {
  std::signal(SIGHUP, SIG_IGN);
  EXPECT_EXIT(interrupt(SIGHUP, 2), testing::ExitedWithCode(2), "^$");
  std::signal(SIGHUP, SIG_DFL);
}

TEST(InterruptDeathTest, WritesFailInsteadOfEndingTheProcess) {
  EXPECT_EXIT(interrupt(SIGPIPE, 2), testing::ExitedWithCode(2), "^$");
  EXPECT_EXIT(interrupt(SIGXFSZ, 2), testing::ExitedWithCode(2), "^$");
}

/// As of ranks that their launcher ends: why is said already.
TEST(InterruptDeathTest, IsTakenWithoutAWordWhereTold) {
  EXPECT_EXIT(interrupt(SIGTERM, 1, false), testing::ExitedWithCode(0), "^$");
  EXPECT_EXIT(interrupt(SIGTERM, 2, false), testing::ExitedWithCode(130), "^$");
}

TEST(InterruptDeathTest, SecondSignalEndsAtOnce) {
  EXPECT_EXIT(interrupt(SIGINT, 2), testing::ExitedWithCode(130), "next safe point");
  EXPECT_EXIT(interrupt(SIGTERM, 2), testing::ExitedWithCode(130), "next safe point");
}

}  // namespace
}  // namespace vidattn
