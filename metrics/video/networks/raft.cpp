#include "metrics/video/networks/raft.h"

#include "metrics/video/networks/padded.h"

namespace vidattn {

double RaftMotion::top_magnitude(const cv::Mat& from, const cv::Mat& to) {
  constexpr int kMultiple = 8;
  const Padded a = padded(from, kMultiple, 1), b = padded(to, kMultiple, 1);
  const std::vector<float> flow =
      network_->run({a.input(), b.input()}, {1, 2, a.planes.height, a.planes.width});
  const size_t pixels = flow.size() / 2;
  std::vector<float> magnitudes(pixels);
  for (size_t i = 0; i < pixels; ++i) magnitudes[i] = std::hypot(flow[i], flow[pixels + i]);
  return mean_of_top(std::move(magnitudes));
}

}  // namespace vidattn
