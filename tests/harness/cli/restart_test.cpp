#include "harness/cli/restart.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace vidattn {
namespace {

constexpr const char* kVariables[] = {"OPENBLAS_CORETYPE", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"};

// The child process becomes this test again, by way of restart_tuned.
TEST(Restart, SetsWhatIsMissing) {
  const std::string better = better_blas_core("Prescott");
  if (std::getenv("VIDATTN_RESTARTED") != nullptr) {
    EXPECT_STREQ(std::getenv("GOMP_SPINCOUNT"), "2000");
    EXPECT_STREQ(std::getenv("OPENBLAS_NUM_THREADS"), "1");
    if (!better.empty()) {
      EXPECT_EQ(blas_core(), better);
    }
    return;
  }
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (const char* variable : kVariables) unsetenv(variable);
    setenv("OPENBLAS_NUM_THREADS", "4", 1);
    std::string name = "test", filter = "--gtest_filter=Restart.SetsWhatIsMissing";
    char* argv[] = {name.data(), filter.data(), nullptr};
    restart_tuned(argv, "Prescott");
    _exit(99);  // not restarted
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

/// A restart would end this test program.
TEST(Restart, OnlyOnceAndOnlyWhereSomethingIsMissing) {
  char* argv[] = {nullptr};
  ASSERT_EQ(setenv("VIDATTN_RESTARTED", "1", 1), 0);
  restart_tuned(argv, "Prescott");
  unsetenv("VIDATTN_RESTARTED");
  ASSERT_EQ(setenv("OPENBLAS_CORETYPE", blas_core().c_str(), 0), 0);
  ASSERT_EQ(setenv("OPENBLAS_NUM_THREADS", "1", 1), 0);
  for (const char* waiting : {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}) {
    ASSERT_EQ(setenv(waiting, "1", 1), 0);
    restart_tuned(argv, "Prescott");
    unsetenv(waiting);
  }
  for (const char* variable : {"OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS"}) unsetenv(variable);
}

}  // namespace
}  // namespace vidattn
