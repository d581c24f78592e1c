#include "harness/workloads/video/even_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "attention/error.h"

namespace vidattn {
namespace {

class EvenFrames : public FrameSource {
 public:
  EvenFrames(std::unique_ptr<FrameSource> frames, EvenGrid grid)
      : frames_(std::move(frames)), grid_(std::move(grid)) {}

  cv::Mat next() override {
    if (position_ == grid_.sources.size()) return {};
    const int64_t wanted = grid_.sources[position_++];
    for (; read_ < wanted; ++read_) frames_->skip();
    if (read_ == wanted) {
      shown_ = frames_->next();
      ++read_;
    }
    return shown_;
  }
  double fps() const override { return grid_.fps; }
  int64_t frames_promised() const override { return static_cast<int64_t>(grid_.sources.size()); }
  double share() const override { return frames_->share(); }
  std::string decoder() const override { return frames_->decoder(); }
  std::vector<std::string> notes() const override { return frames_->notes(); }

 private:
  std::unique_ptr<FrameSource> frames_;
  EvenGrid grid_;
  size_t position_ = 0;
  int64_t read_ = 0;
  cv::Mat shown_;
};

double median_step(const std::vector<double>& times) {
  std::vector<double> steps;
  for (size_t i = 1; i < times.size(); ++i) steps.push_back(times[i] - times[i - 1]);
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

}  // namespace

bool are_even(const std::vector<double>& times) {
  if (times.size() < 4) return true;
  const size_t last = times.size() - 2;
  const double step = (times[last] - times[0]) / static_cast<double>(last);
  for (size_t i = 1; i < last; ++i)
    if (std::abs(times[i] - times[0] - static_cast<double>(i) * step) > step / 2) return false;
  return true;
}

EvenGrid even_grid(const std::vector<double>& times, const std::string& path) {
  constexpr double kMostPerFrame = 100;
  const double step = median_step(times), length = times.back() - times.front();
  const auto frames = static_cast<double>(times.size() - 1);
  if (!(length <= kMostPerFrame * frames * step))
    throw InputError(
        fmt::format("video '{}': frames of {:.3g} ms in {:.6g} s of video: too uneven "
                    "to be measured in even steps",
                    path, 1000 * step, length));
  EvenGrid grid{.fps = 1 / step};
  const auto count = std::max<int64_t>(1, std::llround(length / step));
  int64_t source = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double due = times.front() + (static_cast<double>(i) + 0.5) * step;
    while (source + 2 < static_cast<int64_t>(times.size()) && times[source + 1] <= due) ++source;
    grid.sources.push_back(source);
  }
  return grid;
}

std::vector<int64_t> EvenGrid::shots(const std::vector<int64_t>& of_file) const {
  std::vector<int64_t> starts;
  for (const int64_t start : of_file) {
    const auto first = std::lower_bound(sources.begin(), sources.end(), start) - sources.begin();
    const bool on_grid = first < static_cast<std::ptrdiff_t>(sources.size());
    if (on_grid && (starts.empty() || first > starts.back())) starts.push_back(first);
  }
  return starts;
}

std::unique_ptr<FrameSource> evenly(std::unique_ptr<FrameSource> frames, EvenGrid grid) {
  return std::make_unique<EvenFrames>(std::move(frames), std::move(grid));
}

}  // namespace vidattn
