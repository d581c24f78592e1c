#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/curate/output/curated_video.h"
#include "harness/io/text_table.h"

namespace vidattn {

/// What became of the captions of all shots in samples that a captioner was asked for.
struct CaptionCounts {
  int64_t shots = 0, failed = 0;
  std::string first_error;  ///< of the first shot that failed, in the manifest's order

  /// "captions of 3 of 12 shots failed and are made of what was measured".
  std::string text() const;
};

CaptionCounts count_captions(const std::vector<CuratedVideo>& videos);

/// How much went in, what was kept, and what each rule took, in seconds of video.
struct CurateSummary {
  int64_t videos = 0, videos_kept = 0, unreadable = 0;
  int64_t clips = 0, clips_kept = 0;
  int64_t samples = 0, copied = 0, shots = 0;
  double seconds_in = 0, seconds_kept = 0;
  std::map<std::string, double>
      dropped;  ///< seconds by the first rule that drops, or sample.failed
  std::map<std::string, int64_t> counted;  ///< videos, clips or samples by it
  double trimmed = 0;  ///< seconds of transitions, of what stands beside them, and of flashes
  /// Videos parted into clips that had too few key frames to look for logos.
  int64_t without_logo_search = 0;
  CaptionCounts captions;
  std::vector<SkippedFile> skipped;
};

CurateSummary summarize(const std::vector<CuratedVideo>& videos,
                        const std::vector<SkippedFile>& skipped);
nlohmann::json to_json(const CurateSummary& summary);

/// What a reader is shown, on the terminal and the page: name, length, and of what; empty where
/// there is nothing to say.
TableRows summary_rows(const CurateSummary& summary);
void print_summary(const CurateSummary& summary);

}  // namespace vidattn
