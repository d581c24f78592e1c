#include "harness/measure/engine/budget_progress.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

std::string shown(const Policy& policy, bool finish = false) {
  set_progress_style(ProgressStyle::lines);
  ::testing::internal::CaptureStderr();
  {
    BudgetProgress progress(policy, 2);
    for (const double seconds : {0.3, 3.3}) {
      progress.after_run();
      progress.after_block(seconds);
    }
    if (finish) progress.finish();
  }
  return ::testing::internal::GetCapturedStderr();
}

TEST(BudgetProgress, CountsRunsAndSharesTime) {
  Policy policy;
  policy.label = "measuring";
  policy.max_blocks = 2;
  EXPECT_EQ(shown(policy),
            "measuring  25%  1/4  0:00 passed, 0:00 left\n"
            "measuring  50%  2/4  0:00 passed, 0:00 left\nmeasuring: 0:00, stopped at 2/4\n");
  policy.seconds = 3;
  EXPECT_EQ(shown(policy), "measuring  10%  0:00 passed, 0:00 left\nmeasuring: 0:00\n");
}

TEST(BudgetProgress, ABudgetThatWasNotNeededIsNotStopped) {
  Policy policy;
  policy.label = "measuring";
  policy.max_blocks = 2;
  const std::string runs = shown(policy, true);
  EXPECT_NE(runs.find("\nmeasuring: 0:00\n"), std::string::npos) << runs;
  policy.seconds = 30;
  const std::string time = shown(policy, true);
  EXPECT_NE(time.find("measuring: 0:00\n"), std::string::npos) << time;
}

}  // namespace
}  // namespace vidattn
