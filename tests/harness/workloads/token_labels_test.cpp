#include "harness/workloads/token_labels.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

TEST(TokenLabels, AreTheMostFrequentOfATokensPixels) {
  const VideoGrid grid{.frames = 2, .height = 1, .width = 3};
  TokenLabels labels(grid);
  cv::Mat mask(16, 48, CV_8UC1, cv::Scalar(0));
  mask({0, 0, 16, 9}).setTo(2);   // 9 of 16 rows
  mask({16, 0, 16, 8}).setTo(1);  // half: 0 is smaller
  mask({32, 0, 16, 16}).setTo(7);
  labels.add(mask);
  // The second latent frame is of four: 2 in two of them, 1 in two, and 3 in all that is left.
  for (const int value : {2, 1, 2, 1}) {
    mask.setTo(3);
    mask({0, 0, 16, 16}).setTo(value);
    labels.add(mask);
  }
  EXPECT_EQ(labels.finish(), (std::vector<uint8_t>{2, 0, 7, 1, 3, 3}));
}

TEST(TokenLabels, WhatDoesNotFitIsAMistake) {
  TokenLabels labels({.frames = 1, .height = 1, .width = 2});
  EXPECT_THROW(labels.add(cv::Mat(16, 16, CV_8UC1, cv::Scalar(0))), std::logic_error);
  EXPECT_THROW(labels.finish(), std::logic_error);
}

}  // namespace
}  // namespace vidattn
