#include "harness/workloads/video/kept_frames.h"

#include <utility>

namespace vidattn {
namespace {

class Replay : public FrameSource {
 public:
  Replay(std::vector<cv::Mat> frames, double fps) : frames_(std::move(frames)), fps_(fps) {}

  cv::Mat next() override { return position_ < frames_.size() ? frames_[position_++] : cv::Mat(); }
  double fps() const override { return fps_; }
  int64_t frames_promised() const override { return static_cast<int64_t>(frames_.size()); }
  double share() const override {
    return static_cast<double>(position_) / static_cast<double>(frames_.size());
  }

 private:
  std::vector<cv::Mat> frames_;
  double fps_;
  size_t position_ = 0;
};

}  // namespace

KeptFrames::KeptFrames(std::unique_ptr<FrameSource> frames, size_t most_bytes)
    : frames_(std::move(frames)), left_(most_bytes) {}

cv::Mat KeptFrames::next() {
  cv::Mat frame = frames_->next();
  ended_ = frame.empty();
  const size_t bytes = frame.total() * frame.elemSize();
  if (bytes > left_) {
    too_many_ = true;
    kept_.clear();
  }
  if (too_many_ || ended_) return frame;
  left_ -= bytes;
  kept_.push_back(frame);
  return frame;
}

std::unique_ptr<FrameSource> KeptFrames::again() const {
  if (too_many_ || !ended_) return nullptr;
  return std::make_unique<Replay>(kept_, fps());
}

}  // namespace vidattn
