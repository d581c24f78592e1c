#include "harness/curate/source/judge_source.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <opencv2/imgproc.hpp>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/curate/record/stage_file.h"
#include "harness/curate/source/borders.h"
#include "harness/curate/source/logos.h"
#include "harness/io/file.h"
#include "harness/workloads/media/video_reader.h"

namespace vidattn {
namespace {

constexpr double kMostFrames = 64, kLeastApart = 1;  // seconds
constexpr int64_t kSlowEvery = 8;  // frames, of which one is judged by BRISQUE and networks

/// The header's length, before anything is decoded.
double seconds_of(const std::string& path) { return VideoReader(path, 1).promised_seconds(); }

/// Gives the key frames that are looked at, and what the reader says of the video to the report.
/// Returns their number.
int64_t for_key_frames(const std::string& path, SourceReport& report,
                       const std::function<void(const cv::Mat&, int64_t)>& look) {
  VideoReader reader(path, 0, std::max(kLeastApart, report.seconds / kMostFrames));
  int64_t number = 0;
  // A header may lie about the length.
  for (cv::Mat frame; number < 2 * kMostFrames && !(frame = reader.next()).empty(); ++number) {
    throw_if_cancelled();
    if (number == 0) report.pixels = reader.pixel_aspect();
    look(frame, number);
  }
  report.fps = reader.fps();
  report.codec = reader.decoder();
  report.notes = reader.notes();
  return number;
}

PixelAspect read_pixel_aspect(const JsonReader& json) {
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  const std::vector<JsonReader> sides = json.items();
  if (sides.size() != 2) json.expected("[width, height]");
  return {sides[0].integer(1, kMost), sides[1].integer(1, kMost)};
}

}  // namespace

bool SourceReport::looked_for_logos() const { return frames_for_logos >= LogoFinder::kLeastFrames; }

void decide(SourceReport& report, const CurateLimits& limits) {
  Decisions& decisions = report.decisions = {};
  decisions.at_least("source.side", static_cast<double>(std::min(report.width, report.height)),
                     static_cast<double>(limits.least_side));
  decisions.at_least("source.seconds", report.seconds > 0 ? report.seconds : std::nan(""),
                     limits.least_seconds,
                     report.seconds > 0 ? "by the header" : "the header does not say");
  const double frame = static_cast<double>(report.width) * static_cast<double>(report.height);
  decisions.at_most("source.border", 1 - report.area.area() / frame, limits.most_border);
  judge_quality(report.quality, limits.video, "source", decisions);
}

nlohmann::json to_json(const SourceReport& report) {
  nlohmann::json logos = nlohmann::json::array();
  for (const cv::Rect& logo : report.logos) logos.push_back(rect_json(logo));
  return {{"width", report.width},
          {"height", report.height},
          {"pixel_aspect", {report.pixels.width, report.pixels.height}},
          {"fps", report.fps},
          {"seconds", report.seconds},
          {"codec", report.codec},
          {"quality", to_json(report.quality)},
          {"area", rect_json(report.area)},
          {"logos", logos},
          {"frames_for_logos", report.frames_for_logos},
          {"notes", report.notes},
          {"decisions", to_json(report.decisions)}};
}

SourceReport read_source_report(const JsonReader& json) {
  SourceReport report;
  constexpr int64_t kMostSide = 1 << 15;
  report.width = json.at("width").integer(1, kMostSide);
  report.height = json.at("height").integer(1, kMostSide);
  report.pixels = read_pixel_aspect(json.at("pixel_aspect"));
  json.read("fps", report.fps);
  json.read("seconds", report.seconds);
  json.read("codec", report.codec);
  report.quality = read_quality_figures(json.at("quality"));
  report.area = read_rect(json.at("area"), report.frame());
  for (const JsonReader& logo : json.at("logos").items())
    report.logos.push_back(read_rect(logo, report.frame()));
  json.read("frames_for_logos", report.frames_for_logos);
  json.read("notes", report.notes);
  report.decisions = read_decisions(json.at("decisions"));
  return report;
}

SourceReport judge_source(const std::string& path, const CurateLimits& limits,
                          const Backbones& networks) {
  SourceReport report{.seconds = seconds_of(path)};
  BorderFinder borders;
  LogoFinder logos;
  const auto look = [&](const cv::Mat& frame, int64_t number) {
    if (number == 0) report.width = frame.cols, report.height = frame.rows;
    if (frame.cols != report.width || frame.rows != report.height)
      throw InputError("video " + in_quotes(path) + " changes its size, one size is needed");
    cv::Mat luma;
    cv::cvtColor(frame, luma, cv::COLOR_BGR2GRAY);
    borders.add(luma);
    logos.add(luma);
  };
  const int64_t frames = for_key_frames(path, report, look);
  if (frames == 0) throw InputError("video " + in_quotes(path) + ": not one frame can be decoded");
  report.area = borders.area();
  report.logos = logos.boxes(report.area);
  report.frames_for_logos = logos.frames();
  QualityJudge judge(networks);
  for_key_frames(path, report, [&](const cv::Mat& frame, int64_t number) {
    judge.add(frame, report.area, number % kSlowEvery == std::min(frames, kSlowEvery) / 2);
  });
  report.quality = judge.figures();
  decide(report, limits);
  return report;
}

}  // namespace vidattn
