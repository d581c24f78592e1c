#include "harness/curate/output/summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/io/text/path_json.h"

namespace vidattn {
namespace {

constexpr const char* kSampleFailed = "sample.failed";

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
  summary.without_logo_search += video.analysis->source.looked_for_logos() ? 0 : 1;
}

/// What was planned of a video of which not all samples could be written: none of them is kept.
void add_failed_samples(CurateSummary& summary, const CuratedVideo& video) {
  if (video.error.empty() || !video.samples.empty()) return;
  for (const SamplePlan& plan : video.plans) {
    summary.dropped[kSampleFailed] += static_cast<double>(plan.frames()) / video.fps();
    ++summary.counted[kSampleFailed];
  }
}

/// What a rule drops.
const char* dropped_noun(const std::string& rule) {
  if (rule == kSampleFailed) return "sample";
  return rule.starts_with("source.") ? "video" : "clip";
}

std::string length_text(double seconds) {
  return seconds < 600 ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.2f} h", seconds / 3600);
}

}  // namespace

std::string CaptionCounts::text() const {
  return fmt::format("captions of {} of {} failed and are made of what was measured", failed,
                     counted(shots, "shot"));
}

CaptionCounts count_captions(const std::vector<CuratedVideo>& videos) {
  CaptionCounts counts;
  for (const CuratedVideo& video : videos)
    for (const nlohmann::json& sample : video.samples)
      for (const nlohmann::json& shot : sample["shots"]) {
        const bool failed = shot.contains("caption_error");
        counts.shots += failed || shot["caption_from"] != "measured" ? 1 : 0;
        if (failed && counts.failed++ == 0) counts.first_error = shot["caption_error"];
      }
  return counts;
}

CurateSummary summarize(const std::vector<CuratedVideo>& videos,
                        const std::vector<SkippedFile>& skipped) {
  CurateSummary summary{.captions = count_captions(videos), .skipped = skipped};
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
    add_failed_samples(summary, video);
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
  nlohmann::json skipped = nlohmann::json::array();
  for (const SkippedFile& file : summary.skipped) {
    skipped.push_back({{"reason", file.reason}});
    put_path(skipped.back(), "path", file.path);
  }
  nlohmann::json captions{{"shots", summary.captions.shots}, {"failed", summary.captions.failed}};
  if (summary.captions.failed > 0) captions["first_error"] = summary.captions.first_error;
  return {{"videos", summary.videos},
          {"videos_kept", summary.videos_kept},
          {"unreadable", summary.unreadable},
          {"skipped", skipped},
          {"clips", summary.clips},
          {"clips_kept", summary.clips_kept},
          {"samples", summary.samples},
          {"copied", summary.copied},
          {"shots", summary.shots},
          {"seconds_in", summary.seconds_in},
          {"seconds_kept", summary.seconds_kept},
          {"seconds_trimmed", summary.trimmed},
          {"logos_not_looked_for", summary.without_logo_search},
          {"captions", captions},
          {"dropped", rules}};
}

TableRows summary_rows(const CurateSummary& summary) {
  TableRows rows = {{"in", length_text(summary.seconds_in), counted(summary.videos, "video")},
                    {"kept", length_text(summary.seconds_kept),
                     fmt::format("{} of {}, {} copied", counted(summary.samples, "sample"),
                                 counted(summary.shots, "shot"), summary.copied)},
                    {"transitions", length_text(summary.trimmed), ""}};
  for (const auto& [rule, seconds] : summary.dropped)
    rows.push_back(
        {rule, length_text(seconds), counted(summary.counted.at(rule), dropped_noun(rule))});
  const auto add = [&rows](const char* what, int64_t count, const char* noun) {
    if (count > 0) rows.push_back({what, "", counted(count, noun)});
  };
  add("unreadable", summary.unreadable, "video");
  add("skipped", std::ssize(summary.skipped), "name");
  add("logos not looked for", summary.without_logo_search, "video");
  add("captions failed", summary.captions.failed, "shot");
  return rows;
}

void print_summary(const CurateSummary& summary) {
  print_out("{}", text_table({"", "length", "of"}, summary_rows(summary)));
}

}  // namespace vidattn
