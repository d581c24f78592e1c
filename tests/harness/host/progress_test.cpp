#include "harness/host/progress.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <thread>

namespace vidattn {
namespace {

// What work of `total` steps shows in a style.
std::string shown(ProgressStyle style, int64_t total, int64_t done) {
  set_progress_style(style);
  ::testing::internal::CaptureStderr();
  {
    Progress progress("cases", total);
    for (int64_t i = 1; i <= done; ++i) progress.update(i);
    progress.message("case 7 failed");
  }
  return ::testing::internal::GetCapturedStderr();
}

TEST(Progress, QuietShowsNothing) { EXPECT_EQ(shown(ProgressStyle::quiet, 50, 50), ""); }

TEST(Progress, LinesComePerTenPercent) {
  const std::string text = shown(ProgressStyle::lines, 1000, 1000);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 9 + 2);  // the message and the end
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_NE(text.find("cases  30%  300/1000  0:00 passed, 0:00 left\n"), std::string::npos) << text;
  EXPECT_NE(text.find("case 7 failed\ncases: 0:00\n"), std::string::npos) << text;
}

TEST(Progress, EndSaysWhereWorkStopped) {
  EXPECT_NE(shown(ProgressStyle::lines, 10, 4).find("cases: 0:00, stopped at 4/10\n"),
            std::string::npos);
}

TEST(Progress, BarIsRedrawnAndMessagesStay) {
  set_progress_style(ProgressStyle::bar);
  ::testing::internal::CaptureStderr();
  {
    Progress progress("cases", 4);
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    progress.update(2);
    progress.message("case 2 failed");
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("\rcases [##########          ]  50%  2/4  0:00 passed, 0:00 left"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\r\x1b[Kcase 2 failed\ncases [####"), std::string::npos) << text;
  EXPECT_EQ(text.back(), '\n');
}

TEST(Progress, OfASharePretendsNoParts) {
  set_progress_style(ProgressStyle::lines);
  ::testing::internal::CaptureStderr();
  {
    ShareProgress whole("film"), half("clip"), none("unbegun");
    for (const double share : {0.108, 0.11, 0.299, 1.2}) whole.update(share);
    half.update(0.0);
    half.update(0.991);
    none.update(NAN);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "film  11%  0:00 passed, 0:00 left\n"
            "film  30%  0:00 passed, 0:00 left\n"
            "clip  99%  0:00 passed, 0:00 left\n"
            "clip: 0:00, stopped at 99%\n"
            "film: 0:00\n");
}

TEST(Progress, NothingToDoIsNoError) {
  EXPECT_EQ(shown(ProgressStyle::lines, 0, 0), "case 7 failed\ncases: 0:00\n");
}

/// On a terminal of 40 columns, where a longer line would stay at every update.
TEST(Progress, ABarStaysInItsLine) {
  winsize size{24, 40, 0, 0};
  int ours = -1, theirs = -1;
  ASSERT_EQ(openpty(&ours, &theirs, nullptr, nullptr, &size), 0);
  const int before = dup(STDERR_FILENO);
  dup2(theirs, STDERR_FILENO);
  set_progress_style(ProgressStyle::bar);
  { const Progress progress("checking against the reference", 35); }
  { const Progress progress("short", 3); }
  dup2(before, STDERR_FILENO);
  set_progress_style(ProgressStyle::lines);
  const std::string expected =
      "checking against the referen   0%  0/35short [                    ]   0%  0/3";
  std::string shown;
  char part[1024];
  for (ssize_t count;
       shown.size() < expected.size() && (count = read(ours, part, sizeof part)) > 0;)
    shown.append(part, static_cast<size_t>(count));
  EXPECT_EQ(shown, expected);
  for (const int file : {ours, theirs, before}) close(file);
}

}  // namespace
}  // namespace vidattn
