#include "harness/workloads/selection/step_runs.h"

#include <gtest/gtest.h>

#include "attention/error.h"

namespace vidattn {
namespace {

WorkloadRequest call_at(int64_t layer, int64_t step, const std::string& source = "a") {
  WorkloadRequest request;
  request.spec = "tensors:dump";
  request.call = CaptureCall{source, {}, layer, step};
  return request;
}

std::vector<int64_t> steps_of_run(const std::vector<WorkloadRequest>& run) {
  std::vector<int64_t> steps;
  for (const WorkloadRequest& call : run) steps.push_back(step_of_call(call));
  return steps;
}

TEST(StepRuns, LayersApartAndStepsInOrder) {
  const auto runs =
      step_runs({call_at(1, 9), call_at(0, 2), call_at(1, 0, "b"), call_at(0, 10), call_at(1, 3)});
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(steps_of_run(runs[0]), (std::vector<int64_t>{2, 10}));
  EXPECT_EQ(steps_of_run(runs[1]), (std::vector<int64_t>{0, 3, 9}));
}

TEST(StepRuns, NamesTellWhatLayersDoNot) {
  const auto runs = step_runs({call_at(0, 0, "p1_step00"), call_at(0, 0, "p2_step00"),
                               call_at(0, 1, "p1_step01"), call_at(0, 1, "p2_step01")});
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0][1].call->source, "p1_step01");
  EXPECT_EQ(runs[1][1].call->source, "p2_step01");
}

TEST(StepRuns, RefusesWhatIsNoRun) {
  EXPECT_THROW(step_runs({call_at(0, -1), call_at(0, 1)}), InputError);
  EXPECT_THROW(step_runs({call_at(0, 1), call_at(0, 1)}), InputError);
  EXPECT_THROW(step_runs({call_at(0, 1), call_at(1, 1)}), InputError);
}

}  // namespace
}  // namespace vidattn
