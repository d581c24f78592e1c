#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/curate/output/curated_video.h"

namespace vidattn {

/// How much went in, what was kept, and what each rule took, in seconds of video.
struct CurateSummary {
  int64_t videos = 0, videos_kept = 0, unreadable = 0;
  int64_t clips = 0, clips_kept = 0;
  int64_t samples = 0, copied = 0, shots = 0;
  double seconds_in = 0, seconds_kept = 0;
  std::map<std::string, double> dropped;   ///< seconds by the first rule that drops
  std::map<std::string, int64_t> counted;  ///< videos or clips by it
  double trimmed = 0;  ///< seconds of transitions, of what stands beside them, and of flashes
};

CurateSummary summarize(const std::vector<CuratedVideo>& videos);
nlohmann::json to_json(const CurateSummary& summary);
void print_summary(const CurateSummary& summary);

}  // namespace vidattn
