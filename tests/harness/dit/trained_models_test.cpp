#include "harness/dit/experiments/trained/trained_models.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/harness/files.h"

namespace vidattn {
namespace {

TEST(TrainedModels, CurvesAreMeansOverBlocksAndNothingIsMadeUp) {
  const testing::TemporaryFolder folder;
  testing::write_bytes((folder / kTrainLogFile).string(),
                       "{\"step\": 0, \"loss\": 2, \"balance_switch\": [1, 3]}\n"
                       "{\"step\": 1, \"loss\": null, \"balance_switch\": [1, 1]}\n");
  const auto curves = training_curves((folder / "").string());
  EXPECT_EQ(curves.at("balance_switch"), (std::vector<double>{2, 1}));
  EXPECT_EQ(curves.at("loss")[0], 2);
  EXPECT_TRUE(std::isnan(curves.at("loss")[1]));
  EXPECT_FALSE(curves.contains("largest_over_mean"));
  testing::write_bytes((folder / kTrainLogFile).string(), "{\"step\": 0, \"loss\": [[2]]}");
  testing::expect_input_error([&] { training_curves((folder / "").string()); }, "line 1: loss[0]");
}

TEST(TrainedModels, TenthsOfACurveAreAtLeastAStep) {
  std::vector<double> curve;
  for (int i = 0; i < 30; ++i) curve.push_back(i);
  EXPECT_EQ(first_tenth(curve), 1);
  EXPECT_EQ(last_tenth(curve), 28);
  EXPECT_EQ(first_tenth({4, 5}), 4);
  EXPECT_EQ(last_tenth({4, 5}), 5);
}

TEST(TrainedModels, WhatCannotBeTrainedIsRefusedBeforeAnyWork) {
  ExperimentRequest request;
  testing::expect_input_error([&] { require_trainable(request, {}); }, "--out");
  request.folder = "out";
  testing::expect_input_error([&] { require_trainable(request, {{"a", "mogga"}}); }, "moga");
  testing::expect_input_error(
      [&] {
        require_trainable(request, {{"a", "full"}, {"a", "full"}});
      },
      "twice");
}

}  // namespace
}  // namespace vidattn
