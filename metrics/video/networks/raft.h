#pragma once

#include <memory>

#include "metrics/video/motion.h"
#include "metrics/video/networks/network.h"

namespace vidattn {

/// VBench's "dynamic_degree": RAFT's flow over the padded frame, borders included, as VBench has
/// it. The network takes two RGB pictures [1,3,H,W] of values from 0 to 255, H and W multiples of
/// 8, and gives the flow from the first to the second, [1,2,H,W], in pixels.
class RaftMotion : public PairMotion {
 public:
  explicit RaftMotion(std::shared_ptr<const Network> network) : network_(std::move(network)) {}

  std::string score() const override { return "dynamic_degree"; }
  std::string protocol() const override { return "RAFT (TorchScript) at native resolution"; }
  double top_magnitude(const cv::Mat& from, const cv::Mat& to) override;

 private:
  std::shared_ptr<const Network> network_;
};

}  // namespace vidattn
