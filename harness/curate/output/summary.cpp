#include "harness/curate/output/summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/io/text/console.h"
#include "harness/io/text_table.h"

namespace vidattn {
namespace {

void count_drop(CurateSummary& summary, const Decision& drop, double seconds) {
  summary.dropped[drop.rule] += seconds;
  ++summary.counted[drop.rule];
}

void add_clips(CurateSummary& summary, const CuratedVideo& video) {
  double in_clips = 0;
  for (const ClipRecord& clip : video.analysis->clips) {
    const double seconds = static_cast<double>(clip.span.frames()) / video.fps();
    in_clips += seconds;
    ++summary.clips;
    if (const Decision* drop = clip.decisions.first_drop())
      count_drop(summary, *drop, seconds);
    else
      ++summary.clips_kept;
  }
  summary.trimmed += std::max(0.0, video.seconds() - in_clips);
}

std::string length_text(double seconds) {
  return seconds < 600 ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.2f} h", seconds / 3600);
}

}  // namespace

CurateSummary summarize(const std::vector<CuratedVideo>& videos) {
  CurateSummary summary;
  for (const CuratedVideo& video : videos) {
    ++summary.videos;
    summary.videos_kept += video.kept() ? 1 : 0;
    summary.seconds_in += video.seconds();
    if (!video.analysis)
      ++summary.unreadable;
    else if (const Decision* drop = video.analysis->first_drop())
      count_drop(summary, *drop, video.seconds());
    else
      add_clips(summary, video);
    for (const nlohmann::json& sample : video.samples) {
      ++summary.samples;
      summary.copied += sample["written"] == "copied" ? 1 : 0;
      summary.shots += static_cast<int64_t>(sample["shots"].size());
      summary.seconds_kept += sample["seconds"].get<double>();
    }
  }
  return summary;
}

nlohmann::json to_json(const CurateSummary& summary) {
  nlohmann::json rules = nlohmann::json::object();
  for (const auto& [rule, seconds] : summary.dropped)
    rules[rule] = {{"seconds", seconds}, {"count", summary.counted.at(rule)}};
  return {{"videos", summary.videos},           {"videos_kept", summary.videos_kept},
          {"unreadable", summary.unreadable},   {"clips", summary.clips},
          {"clips_kept", summary.clips_kept},   {"samples", summary.samples},
          {"copied", summary.copied},           {"shots", summary.shots},
          {"seconds_in", summary.seconds_in},   {"seconds_kept", summary.seconds_kept},
          {"seconds_trimmed", summary.trimmed}, {"dropped", rules}};
}

void print_summary(const CurateSummary& summary) {
  TableRows rows = {
      {"in", length_text(summary.seconds_in), fmt::format("{} videos", summary.videos)},
      {"kept", length_text(summary.seconds_kept),
       fmt::format("{} samples of {} shots, {} copied", summary.samples, summary.shots,
                   summary.copied)},
      {"transitions", length_text(summary.trimmed), ""}};
  for (const auto& [rule, seconds] : summary.dropped)
    rows.push_back({rule, length_text(seconds),
                    fmt::format("{} {}s", summary.counted.at(rule),
                                rule.starts_with("source.") ? "video" : "clip")});
  if (summary.unreadable > 0)
    rows.push_back({"unreadable", "", fmt::format("{} videos", summary.unreadable)});
  print_out("{}", text_table({"", "length", "of"}, rows));
}

}  // namespace vidattn
