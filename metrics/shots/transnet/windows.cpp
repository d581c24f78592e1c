#include "metrics/shots/transnet/windows.h"

#include <algorithm>
#include <iterator>

namespace vidattn {
namespace {

constexpr int kStep = 50;   // frames from window to window
constexpr int kAside = 25;  // of a window, on either side of those that count

}  // namespace

void TransNetWindows::push(const cv::Mat& frame) {
  const cv::Mat whole = frame.isContinuous() ? frame : frame.clone();
  Frame values(whole.ptr(), whole.ptr() + kTransNetValues);
  if (frames_++ == 0) waiting_.insert(waiting_.end(), kAside, values);
  waiting_.push_back(std::move(values));
  if (waiting_.size() < kTransNetWindow) return;
  const std::vector<float> middle = middle_of(waiting_);
  known_.insert(known_.end(), middle.begin(), middle.end());
  waiting_.erase(waiting_.begin(), waiting_.begin() + kStep);
}

std::vector<float> TransNetWindows::middle_of(const std::deque<Frame>& window) const {
  std::vector<float> values;
  values.reserve(kTransNetWindow * kTransNetValues);
  for (int i = 0; i < kTransNetWindow; ++i)
    values.insert(values.end(), window[i].begin(), window[i].end());
  const std::vector<float> all = network_(values);
  return {all.begin() + kAside, all.begin() + kAside + kStep};
}

std::vector<float> TransNetWindows::probabilities() const {
  std::vector<float> all = known_;
  std::deque<Frame> rest = waiting_;
  while (std::ssize(all) < frames_) {
    while (rest.size() < kTransNetWindow) rest.push_back(waiting_.back());
    const std::vector<float> middle = middle_of(rest);
    all.insert(all.end(), middle.begin(), middle.end());
    rest.erase(rest.begin(), rest.begin() + kStep);
  }
  all.resize(static_cast<size_t>(frames_));
  return all;
}

std::vector<Scene> transnet_scenes(const std::vector<float>& probabilities, double threshold) {
  std::vector<Scene> scenes;
  const auto frames = std::ssize(probabilities);
  bool before = false, ends = false;
  int64_t start = 0;
  for (int64_t i = 0; i < frames; ++i) {
    ends = static_cast<double>(probabilities[static_cast<size_t>(i)]) > threshold;
    if (before && !ends) start = i;
    if (!before && ends && i != 0) scenes.emplace_back(start, i);
    before = ends;
  }
  if (frames > 0 && !ends) scenes.emplace_back(start, frames - 1);
  if (frames > 0 && scenes.empty()) scenes.emplace_back(0, frames - 1);
  return scenes;
}

std::vector<Boundary> transnet_boundaries(const std::vector<float>& probabilities,
                                          double threshold) {
  const auto frames = std::ssize(probabilities);
  std::vector<Boundary> boundaries;
  // From the last frame of one shot, or -1, to the first of the next, or the number of frames.
  const auto between = [&](int64_t last, int64_t next) {
    const auto at = [&](int64_t i) { return probabilities.begin() + i; };
    Boundary one{.frame = next, .first = last + 1, .last = next - 1};
    one.score = *std::max_element(at(std::max<int64_t>(last, 0)), at(next));
    if (!one.clean()) one.kind = Transition::gradual;
    if (!one.clean() && last >= 0 && next < frames) one.frame = (one.first + one.last + 1) / 2;
    if (last < 0) one.frame = 0;
    boundaries.push_back(one);
  };
  int64_t last = -1;
  for (const auto& [first, end] : transnet_scenes(probabilities, threshold)) {
    if (last >= 0 || first > 0) between(last, first);
    last = end;
  }
  if (last + 1 < frames) between(last, frames);
  return boundaries;
}

}  // namespace vidattn
