#include "harness/curate/shots/segmentation.h"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/media/video_reader.h"
#include "harness/workloads/video/even_frames.h"
#include "metrics/shots/clean_shots.h"
#include "metrics/shots/shot_detection.h"
#include "metrics/shots/shrink.h"

namespace vidattn {
namespace {

const cv::Size kDetected(256, 4096);  // what the detectors shrink to, once for both

ShotOptions adaptive_rule() {
  ShotOptions options;
  options.rule = CutRule::adaptive;
  options.window = 0;  // the other looks for dissolves
  return options;
}

/// The survey of one pass.
struct Pass {
  int64_t frames = 0;
  cv::Size size;
  double fps = 0;
  std::vector<double> times;
  std::vector<std::string> notes;
  std::vector<Boundary> content, adaptive, suppressed;
  std::optional<std::vector<Boundary>> transnet;
};

Pass pass_over(const std::string& path, const TransNet* network) {
  VideoReader reader(path);
  const std::unique_ptr<ShotFinder> transnet = network == nullptr ? nullptr : network->finder();
  ShotDetector content, adaptive(adaptive_rule());
  Pass pass{.fps = reader.fps()};
  FrameTime time;
  for (cv::Mat frame = reader.next(); !frame.empty(); frame = reader.next()) {
    throw_if_cancelled();
    if (pass.frames++ == 0) pass.size = frame.size();
    if (frame.size() != pass.size)
      throw InputError("video " + in_quotes(path) + " changes its size, one size is needed");
    const cv::Mat small = shrink_to_fit(frame, kDetected, cv::INTER_LINEAR);
    content.push(small);
    adaptive.push(small);
    if (transnet) transnet->push(frame);
    time = *reader.time();
    pass.times.push_back(time.from);
  }
  if (pass.frames == 0)
    throw InputError("video " + in_quotes(path) + ": not one frame can be decoded");
  pass.times.push_back(time.to);
  pass.notes = reader.notes();
  pass.content = content.boundaries();
  pass.adaptive = adaptive.boundaries();
  pass.suppressed = content.suppressed();
  if (transnet) pass.transnet = transnet->boundaries();
  return pass;
}

std::vector<ClipSpan> spans_of(const Segmentation& segmentation, const Pass& pass) {
  std::vector<Boundary> boundaries;
  for (const JointBoundary& one : segmentation.boundaries) boundaries.push_back(one.boundary);
  std::vector<ClipSpan> spans;
  for (CleanShot& shot : clean_shots(boundaries, pass.frames)) {
    leave_out(shot, pass.suppressed);
    if (shot.clean_first > shot.clean_last) continue;
    const auto at =
        shot.begins_with == nullptr
            ? nullptr
            : &segmentation.boundaries[static_cast<size_t>(shot.begins_with - boundaries.data())];
    spans.push_back(
        {shot.clean_first, shot.clean_last, at == nullptr ? "start of the video" : at->label()});
  }
  return spans;
}

/// Counts in even steps from here on, where the rate varies.
void even_out(Segmentation& segmentation, const Pass& pass, const std::string& path) {
  if (are_even(pass.times)) {
    if (segmentation.fps <= 0)
      segmentation.fps = static_cast<double>(pass.frames) / pass.times.back();
    return;
  }
  EvenGrid grid = even_grid(pass.times, path);
  segmentation.notes.push_back(fmt::format(
      "variable frame rate: taken at {:.4g} even frames/s, where a frame stays until the next",
      grid.fps));
  segmentation.fps = grid.fps;
  segmentation.grid = std::move(grid.sources);
  segmentation.frames = static_cast<int64_t>(segmentation.grid.size());
  const auto& of = segmentation.grid;
  for (ClipSpan& clip : segmentation.clips) {
    clip.first = std::lower_bound(of.begin(), of.end(), clip.first) - of.begin();
    clip.last = std::upper_bound(of.begin(), of.end(), clip.last) - of.begin() - 1;
  }
  std::erase_if(segmentation.clips, [](const ClipSpan& clip) { return clip.last < clip.first; });
}

}  // namespace

Segmentation segment_video(const std::string& path, const CurateLimits& limits,
                           const TransNet* transnet) {
  const Pass pass = pass_over(path, transnet);
  Segmentation segmentation{.frames = pass.frames, .fps = pass.fps, .notes = pass.notes};
  segmentation.boundaries =
      join_boundaries(pass.content, pass.adaptive, limits.trim, pass.frames, pass.transnet);
  segmentation.clips = spans_of(segmentation, pass);
  even_out(segmentation, pass, path);
  decide(segmentation, limits);
  return segmentation;
}

void decide(Segmentation& segmentation, const CurateLimits& limits) {
  segmentation.decisions = {};
  segmentation.decisions.at_least("source.seconds", segmentation.seconds(), limits.least_seconds,
                                  "counted");
  if (segmentation.clips.empty())
    segmentation.decisions.drop("source.clips", "no stretch without transitions");
}

double Segmentation::seconds_of_decoded(int64_t frame) const {
  const int64_t counted =
      grid.empty() ? frame : std::lower_bound(grid.begin(), grid.end(), frame) - grid.begin();
  return static_cast<double>(counted) / fps;
}

std::unique_ptr<FrameSource> open_segmented(const std::string& path,
                                            const Segmentation& segmentation) {
  auto reader = std::make_unique<VideoReader>(path);
  if (segmentation.grid.empty()) return reader;
  return evenly(std::move(reader), EvenGrid{segmentation.fps, segmentation.grid});
}

}  // namespace vidattn
