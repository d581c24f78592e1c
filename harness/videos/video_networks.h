#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "harness/videos/backbones.h"
#include "metrics/video/networks/network.h"

namespace vidattn {

/// VBench's networks for motion, imaging quality and text, each null where it is not given.
/// VIDEO_METRICS.md has what they take and give.
struct VideoNetworks {
  std::shared_ptr<const Network> raft, amt, musiq, viclip_video, viclip_text, clip_text;
  nlohmann::json provenance = nlohmann::json::array();  ///< key, file and SHA-256 of each
};

inline constexpr int64_t kViclipWidth = 768, kClipTextWidth = 512;  ///< of features of text
inline constexpr int64_t kViclipTokens = 32, kClipTokens = 77;      ///< of a text, padded by zeros
inline constexpr int64_t kTextStart = 49406, kTextEnd = 49407;      ///< tokens around a text

/// Known keys, for help texts: "raft (RAFT), …".
std::string video_network_keys();
bool is_video_network(const std::string& key);

/// Loads those files whose keys are video networks'. Each is run once, those that take
/// frames at the video's own size on grey ones of `size` (empty: not), so that a wrong one is
/// refused before any work. Throws InputError.
VideoNetworks load_video_networks(const ModelFiles& files, cv::Size size);

}  // namespace vidattn
