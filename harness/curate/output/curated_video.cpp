#include "harness/curate/output/curated_video.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/io/text/counted.h"
#include "harness/io/text/path_json.h"

namespace vidattn {
namespace {

nlohmann::json video_line(const CuratedVideo& video) {
  nlohmann::json line{{"kind", "video"},
                      {"video", video.video.id},
                      {"source", video.video.source},
                      {"kept", video.kept()},
                      {"verdict", video.verdict()},
                      {"seconds", video.seconds()},
                      {"samples", video.samples.size()}};
  put_path(line, "video_path", video.video.path);
  if (!video.error.empty()) line["error"] = video.error;
  if (!video.analysis) return line;
  line["found"] = to_json(video.analysis->source);
  line["notes"] = video.analysis->notes();
  if (!video.analysis->segmentation) return line;
  line["segmentation"] = to_json(*video.analysis->segmentation);
  line["segmentation"].erase("grid");
  return line;
}

nlohmann::json clip_line(const CuratedVideo& video, const ClipRecord& clip) {
  nlohmann::json line = to_json(clip);
  line.erase("signature");
  line["kind"] = "clip";
  line["video"] = video.video.id;
  line["kept"] = clip.decisions.kept();
  line["seconds"] = static_cast<double>(clip.span.frames()) / video.fps();
  line["from_s"] = static_cast<double>(clip.span.first) / video.fps();
  line["to_s"] = static_cast<double>(clip.span.last + 1) / video.fps();
  line["decoded_first"] = video.analysis->segmentation->decoded(clip.span.first);
  line["decoded_last"] = video.analysis->segmentation->decoded(clip.span.last);
  if (const Decision* drop = clip.decisions.first_drop()) line["reason"] = drop->text();
  return line;
}

}  // namespace

double CuratedVideo::seconds() const {
  if (!analysis) return 0;
  return analysis->segmentation ? analysis->segmentation->seconds() : analysis->source.seconds;
}

std::string CuratedVideo::verdict() const {
  if (!error.empty()) return error;
  if (const Decision* drop = analysis->first_drop()) return "dropped: " + drop->text();
  const auto clips = std::count_if(analysis->clips.begin(), analysis->clips.end(),
                                   [](const ClipRecord& clip) { return clip.decisions.kept(); });
  return fmt::format("{} of {} in {}", clips, counted(std::ssize(analysis->clips), "clip"),
                     counted(std::ssize(samples), "sample"));
}

std::vector<nlohmann::json> decision_lines(const CuratedVideo& video) {
  std::vector<nlohmann::json> lines = {video_line(video)};
  if (video.analysis)
    for (const ClipRecord& clip : video.analysis->clips) lines.push_back(clip_line(video, clip));
  return lines;
}

nlohmann::json decision_line(const SkippedFile& file) {
  nlohmann::json line{{"kind", "skipped"}, {"kept", false}, {"reason", file.reason}};
  put_path(line, "video_path", file.path);
  return line;
}

}  // namespace vidattn
