#include "harness/curate/output/sample_file.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "attention/error.h"
#include "harness/workloads/media/video_reader.h"

namespace vidattn {
namespace {

constexpr double kMuch = 1.4;  // times as wide

std::vector<FrameRange> ranges_of(const SamplePlan& plan) {
  std::vector<FrameRange> ranges;
  for (const SamplePiece& piece : plan.pieces) {
    // Where nothing was trimmed between two pieces, there is nothing to cut.
    if (!ranges.empty() && ranges.back().last + 1 == piece.first)
      ranges.back().last = piece.last;
    else
      ranges.push_back({piece.first, piece.last});
  }
  return ranges;
}

int64_t frames_in(const std::filesystem::path& path) {
  VideoReader reader(path.string());
  int64_t frames = 0;
  while (reader.skip()) ++frames;
  return frames;
}

}  // namespace

SampleFile::SampleFile(std::filesystem::path path, const SamplePlan& plan, double fps,
                       const PixelAspect& pixels)
    : path_(std::move(path)), plan_(plan), fps_(fps), pixels_(pixels) {}

std::string SampleFile::obstacle(const CutPoints& points, const Segmentation& segmentation,
                                 cv::Size frame) const {
  for (const SamplePiece& piece : plan_.pieces)
    if (piece.crop.size() != frame) return "cropped";
  if (!segmentation.grid.empty()) return "variable frame rate";
  if (points.frames.empty()) return "the container or codec cannot be cut";
  if (std::ssize(points.times) != segmentation.frames) return "packets and frames differ";
  if (!points.allow(ranges_of(plan_))) return "a cut that is on no key frame";
  return {};
}

bool SampleFile::copy(const std::string& video, const CutPoints& points,
                      const Segmentation& segmentation, cv::Size frame) {
  origin_.how = "encoded";
  origin_.reason = obstacle(points, segmentation, frame);
  if (!origin_.reason.empty()) return false;
  try {
    copy_ranges(video, points, ranges_of(plan_), path_);
    if (frames_in(path_) == plan_.frames()) {
      origin_ = {"copied", "", VideoReader(path_.string(), 1).decoder()};
      return true;
    }
    origin_.reason = "the copy has other frames";
  } catch (const InputError& error) {
    origin_.reason = error.what();
  }
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  return false;
}

void SampleFile::write(const cv::Mat& frame) {
  if (!file_) {
    const VideoCodec codec = can_write(VideoCodec::h264) ? VideoCodec::h264 : VideoCodec::mpeg4;
    origin_.codec = codec == VideoCodec::h264 ? "h264" : "mpeg4";
    file_ = std::make_unique<VideoFile>(path_, codec, fps_, plan_.size, pixels_);
  }
  if (frame.size() == plan_.size) return file_->write(frame);
  cv::Mat fitted;
  // The mean over areas takes several times as long, and is of use only where much is lost.
  const bool much = frame.cols > kMuch * plan_.size.width;
  cv::resize(frame, fitted, plan_.size, 0, 0, much ? cv::INTER_AREA : cv::INTER_LINEAR);
  file_->write(fitted);
}

SampleOrigin SampleFile::commit() {
  if (file_) file_->commit();
  return origin_;
}

}  // namespace vidattn
