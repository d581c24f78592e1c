#pragma once

#include <memory>

#include "metrics/video/motion.h"
#include "metrics/video/networks/network.h"

namespace vidattn {

/// VBench's "motion_smoothness": AMT interpolates. The network takes two RGB pictures [1,3,H,W] of
/// values from 0 to 1, H and W multiples of 16, and gives the one halfway between, [1,3,H,W].
/// Values are cut to 8 bits as VBench does, towards 0.
class AmtMiddle : public MiddleFrame {
 public:
  explicit AmtMiddle(std::shared_ptr<const Network> network) : network_(std::move(network)) {}

  std::string score() const override { return "motion_smoothness"; }
  std::string protocol() const override { return "AMT (TorchScript) at native resolution"; }
  cv::Mat between(const cv::Mat& before, const cv::Mat& after) override;

 private:
  std::shared_ptr<const Network> network_;
};

}  // namespace vidattn
