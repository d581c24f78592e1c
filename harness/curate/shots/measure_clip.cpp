#include "harness/curate/shots/measure_clip.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "attention/cancel.h"
#include "harness/curate/crop/largest_crop.h"
#include "metrics/shots/shrink.h"

namespace vidattn {
namespace {

constexpr double kQualityApart = 0.5, kPairsApart = 1;  // seconds
constexpr double kPairSeconds = 0.125;
const cv::Size kPicture(192, 192);
constexpr double kSubtitlesBelow = 0.6;  // of the frame's height

/// Frames of [first, last], so many apart and at most so many of them, in the middles of equal
/// parts.
std::vector<int64_t> spread(int64_t first, int64_t last, double apart, int64_t most) {
  const double frames = static_cast<double>(last - first + 1);
  const auto count = std::clamp<int64_t>(std::llround(frames / apart), 1, most);
  std::vector<int64_t> at;
  for (int64_t i = 0; i < count; ++i)
    at.push_back(first + static_cast<int64_t>((static_cast<double>(i) + 0.5) * frames /
                                              static_cast<double>(count)));
  return at;
}

std::string kind_of(const TextTrack& track, cv::Size frame) {
  if (!track.overlay(frame)) return "text of the scene";
  const cv::Rect box = track.hull();
  const bool low = box.y > kSubtitlesBelow * frame.height;
  const bool central = std::abs(box.x + box.width / 2 - frame.width / 2) < frame.width / 8;
  return low && central ? "subtitle" : "watermark";
}

/// The bars around the picture.
std::vector<cv::Rect> bars(const cv::Rect& area, cv::Size frame) {
  const cv::Point end = area.br();
  std::vector<cv::Rect> all = {{0, 0, frame.width, area.y},
                               {0, end.y, frame.width, frame.height - end.y},
                               {0, 0, area.x, frame.height},
                               {end.x, 0, frame.width - end.x, frame.height}};
  std::erase_if(all, [](const cv::Rect& bar) { return bar.empty(); });
  return all;
}

}  // namespace

ClipMeter::ClipMeter(const ClipSpan& span, double fps, const SourceReport& source,
                     const ClipTools& tools)
    : span_(span), fps_(fps), source_(source), tools_(tools), judge_(tools.networks) {
  plan();
}

void ClipMeter::plan() {
  for (const int64_t at : spread(span_.first, span_.last, kQualityApart * fps_, kMostSamples))
    wanted_[at] |= quality;
  if (span_.frames() > 1) {
    apart_ = std::clamp<int64_t>(std::llround(kPairSeconds * fps_), 1, span_.frames() - 1);
    for (const int64_t at :
         spread(span_.first, span_.last - apart_, kPairsApart * fps_, kMostSamples)) {
      wanted_[at] |= first_of_pair;
      wanted_[at + apart_] |= second_of_pair;
    }
  }
  for (const int64_t at : spread(span_.first, span_.last, 1, ClipSignature::kFrames))
    wanted_[at] |= described;
  wanted_[span_.first + span_.frames() / 2] |= at_middle;
}

void ClipMeter::add(int64_t number, const cv::Mat& frame) {
  const unsigned use = wanted_.at(number);
  if ((use & quality) != 0) {
    judge_.add(frame, source_.area, false);
    look_.add_frame(frame(source_.area));
  }
  if ((use & described) != 0) signature_.frames.push_back(signature_of(frame(source_.area)));
  if ((use & at_middle) != 0) {
    judge_.add(frame, source_.area, true);
    const cv::Mat shown = with_square_pixels(frame, source_.pixels);
    middle_ = shrink_to_fit(shown, kPicture, cv::INTER_AREA).clone();
  }
  if ((use & (first_of_pair | second_of_pair)) == 0) return;
  cv::Mat luma;
  cv::cvtColor(frame, luma, cv::COLOR_BGR2GRAY);
  if ((use & second_of_pair) != 0) add_second(number, luma);
  if ((use & first_of_pair) == 0) return;
  // A copy, as the frame's memory may be the reader's, for those who look for text in it.
  firsts_[number] = {tools_.finder != nullptr ? frame.clone() : cv::Mat(), luma};
}

void ClipMeter::add_second(int64_t number, const cv::Mat& luma) {
  const auto found = firsts_.find(number - apart_);
  if (found == firsts_.end()) return;
  const First first = std::move(found->second);
  firsts_.erase(found);
  look_.add_pair(Flow::shrink_luma(first.luma), Flow::shrink_luma(luma),
                 static_cast<double>(apart_) / fps_);
  if (tools_.finder == nullptr) return;
  for (TextLine& line : tools_.finder->find(first.frame, first.luma, luma)) {
    const double motion = motion_of(first.luma, luma, line.box);
    sightings_.push_back({number - apart_, std::move(line), motion});
  }
}

std::vector<ClipMark> ClipMeter::marks() const {
  const cv::Size frame = source_.frame();
  std::vector<ClipMark> marks;
  for (const cv::Rect& bar : bars(source_.area, frame)) marks.push_back({"border", "", bar, true});
  for (const cv::Rect& logo : source_.logos) marks.push_back({"logo", "", logo, true});
  for (const TextTrack& track : track_text(sightings_, frame)) {
    const std::string kind = kind_of(track, frame);
    marks.push_back({kind, track.text(), track.hull(), track.overlay(frame), track.drift()});
  }
  return marks;
}

ClipRecord ClipMeter::record() const {
  ClipRecord clip{.span = span_};
  clip.quality = judge_.figures();
  clip.look = look_.look();
  if (signature_.frames.size() == ClipSignature::kFrames) clip.signature = signature_;
  clip.marks = marks();
  std::vector<cv::Rect> avoided;
  for (const ClipMark& mark : clip.marks)
    if (mark.avoided) avoided.push_back(mark.box);
  const cv::Size frame = source_.frame();
  clip.crop = largest_crop(frame, avoided);
  clip.area = static_cast<double>(clip.crop.area()) / frame.area();
  decide(clip, fps_, tools_.limits);
  return clip;
}

void measure_clips(const std::string& path, const Segmentation& segmentation,
                   const SourceReport& source, const ClipTools& tools,
                   const std::function<bool(int64_t)>& done,
                   const std::function<void(ClipRecord, const cv::Mat&)>& take) {
  const auto count = static_cast<int64_t>(segmentation.clips.size());
  int64_t next = 0;
  const auto pass_done = [&] {
    while (next < count && done(next)) ++next;
  };
  pass_done();
  if (next == count) return;
  const auto frames = open_segmented(path, segmentation);
  for (int64_t at = 0; next < count; ++next, pass_done()) {
    const ClipSpan& span = segmentation.clips[static_cast<size_t>(next)];
    ClipMeter meter(span, segmentation.fps, source, tools);
    for (; at <= span.last; ++at) {
      throw_if_cancelled();
      const bool wanted = at >= span.first && meter.wants(at);
      const cv::Mat frame = wanted ? frames->next() : cv::Mat();
      if (wanted ? frame.empty() : !frames->skip()) return;  // it got shorter since
      if (wanted) meter.add(at, frame);
    }
    ClipRecord record = meter.record();
    record.number = next;
    take(std::move(record), meter.middle());
  }
}

}  // namespace vidattn
