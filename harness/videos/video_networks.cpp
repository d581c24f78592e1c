#include "harness/videos/video_networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "harness/io/sha256.h"
#include "harness/videos/torchscript.h"
#include "metrics/video/networks/amt.h"
#include "metrics/video/networks/musiq.h"
#include "metrics/video/networks/raft.h"
#include "metrics/video/networks/text_score.h"

namespace vidattn {
namespace {

/// A network that --model knows, and where it is kept.
struct KnownVideoNetwork {
  const char *key, *architecture;
  std::shared_ptr<const Network> VideoNetworks::*place;
};

constexpr std::array<KnownVideoNetwork, 6> kVideoNetworks = {{
    {"raft", "RAFT", &VideoNetworks::raft},
    {"amt", "AMT", &VideoNetworks::amt},
    {"musiq", "MUSIQ", &VideoNetworks::musiq},
    {"viclip_video", "ViCLIP's encode_vision", &VideoNetworks::viclip_video},
    {"viclip_text", "ViCLIP's text_encoder", &VideoNetworks::viclip_text},
    {"clip_text", "CLIP ViT-B/32's encode_text", &VideoNetworks::clip_text},
}};

void try_text(const Network& network, int64_t context, int64_t width) {
  std::vector<int64_t> tokens(static_cast<size_t>(context), 0);
  tokens[0] = kTextStart;
  tokens[1] = kTextEnd;
  network.run({{.shape = {1, context}, .ids = tokens.data()}}, {1, width});
}

void try_networks(const VideoNetworks& networks, cv::Size size) {
  const cv::Mat grey(size, CV_8UC3, cv::Scalar::all(128));
  if (networks.raft && !grey.empty()) RaftMotion(networks.raft).top_magnitude(grey, grey);
  if (networks.amt && !grey.empty()) AmtMiddle(networks.amt).between(grey, grey);
  if (networks.musiq && !grey.empty()) MusiqQuality(networks.musiq).add(grey, 0);
  if (networks.viclip_text) try_text(*networks.viclip_text, kViclipTokens, kViclipWidth);
  if (networks.clip_text) try_text(*networks.clip_text, kClipTokens, kClipTextWidth);
  if (networks.viclip_video) {
    const Feature any(kViclipWidth, 0);
    overall_consistency(networks.viclip_video, any, 1)
        ->add(cv::Mat(224, 224, CV_8UC3, cv::Scalar::all(128)), 0);
  }
}

}  // namespace

std::string video_network_keys() {
  std::string text;
  for (const KnownVideoNetwork& known : kVideoNetworks)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", known.key, known.architecture);
  return text;
}

bool is_video_network(const std::string& key) {
  return std::any_of(kVideoNetworks.begin(), kVideoNetworks.end(),
                     [&](const KnownVideoNetwork& known) { return key == known.key; });
}

VideoNetworks load_video_networks(const ModelFiles& files, cv::Size size) {
  VideoNetworks networks;
  for (const KnownVideoNetwork& known : kVideoNetworks) {
    const auto file = files.find(known.key);
    if (file == files.end()) continue;
    networks.provenance.push_back(
        {{"key", known.key}, {"file", file->second}, {"sha256", sha256_file(file->second)}});
    networks.*known.place = load_torchscript(known.key, known.architecture, file->second);
  }
  try_networks(networks, size);
  return networks;
}

}  // namespace vidattn
