#include "harness/videos/prompts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "attention/error.h"
#include "harness/io/json_file.h"
#include "metrics/video/consistency.h"

namespace vidattn {
namespace {

/// A network of texts, as far as prompts need it.
struct TextNetwork {
  const char* key;  ///< of --model, and of the features in a line
  const Network* network;
  int64_t context, width;
};

bool has_clip(const Backbones& backbones) { return backbones.find("clip") != nullptr; }

/// What a line has for one video network. Without anything: empty, or refused where `wanted`.
Feature features_of(const JsonReader& line, const TextNetwork& text, bool wanted) {
  const JsonReader given = line.maybe(text.key);
  if (!given.is_null()) {
    auto values = given.get<std::vector<float>>();
    if (static_cast<int64_t>(values.size()) != text.width)
      given.refuse(fmt::format("{} numbers, expected {}", values.size(), text.width));
    return unit_length(std::move(values));
  }
  const JsonReader tokens = line.maybe("tokens");
  if (text.network == nullptr || tokens.is_null()) {
    if (wanted)
      line.refuse(
          fmt::format("needs \"{0}\", {1} features of the prompt, or \"tokens\" and --model "
                      "{0}=FILE",
                      text.key, text.width));
    return {};
  }
  const std::vector<int64_t> ids = tokens.placed(
      [&] { return padded_tokens(tokens.get<std::vector<int64_t>>(), text.context); });
  return unit_length(
      text.network->run({{.shape = {1, text.context}, .ids = ids.data()}}, {1, text.width}));
}

void require_parts(const std::string& file, const Backbones& backbones,
                   const VideoNetworks& networks) {
  const bool viclip = networks.viclip_video != nullptr;
  if (file.empty() && (viclip || networks.viclip_text || networks.clip_text))
    throw InputError("--model: scores of texts need --prompts FILE.jsonl");
  if (networks.viclip_text && !viclip)
    throw InputError("--model: viclip_text needs viclip_video=FILE.pt");
  if (networks.clip_text && !has_clip(backbones))
    throw InputError("--model: clip_text needs clip=FILE.pt");
  if (!file.empty() && !viclip && !has_clip(backbones))
    throw InputError(
        "--prompts: needs --model viclip_video=FILE.pt for overall_consistency or clip=FILE.pt for "
        "clip_score");
}

/// The videos of that path or, if there are none, of that name, or of that name without the ending.
std::vector<std::string> videos_of(const std::string& name, const std::set<std::string>& videos) {
  std::array<std::vector<std::string>, 3> found;
  for (const std::string& video : videos) {
    const std::filesystem::path path(video);
    const auto file = (path.has_filename() ? path : path.parent_path()).filename();  // "folder/"
    if (name == video) found[0].push_back(video);
    if (name == file) found[1].push_back(video);
    if (name == file.stem()) found[2].push_back(video);
  }
  for (const auto& some : found)
    if (!some.empty()) return some;
  return {};
}

}  // namespace

std::vector<int64_t> padded_tokens(const std::vector<int64_t>& tokens, int64_t context) {
  const auto end = std::find(tokens.begin(), tokens.end(), kTextEnd);
  if (tokens.empty() || tokens.front() != kTextStart || end == tokens.end())
    throw InputError(
        fmt::format("CLIP's tokens begin with {} and end with {}", kTextStart, kTextEnd));
  if (std::any_of(tokens.begin() + 1, end, [](int64_t id) { return id < 0 || id >= kTextStart; }) ||
      std::any_of(end + 1, tokens.end(), [](int64_t id) { return id != 0; }))
    throw InputError(
        fmt::format("CLIP's tokens lie from 0 to {} between {} and {}, and only zeros "
                    "follow",
                    kTextStart - 1, kTextStart, kTextEnd));
  std::vector<int64_t> padded(tokens.begin(), end + 1);
  if (static_cast<int64_t>(padded.size()) > context) {
    padded.resize(static_cast<size_t>(context));
    padded.back() = kTextEnd;
  }
  padded.resize(static_cast<size_t>(context), 0);
  return padded;
}

VideoPrompts load_prompts(const std::string& file, const std::vector<std::string>& videos,
                          const Backbones& backbones, const VideoNetworks& networks) {
  require_parts(file, backbones, networks);
  VideoPrompts prompts;
  if (file.empty()) return prompts;
  const std::set<std::string> different(videos.begin(), videos.end());
  const TextNetwork viclip{"viclip_text", networks.viclip_text.get(), kViclipTokens, kViclipWidth};
  const TextNetwork clip{"clip_text", networks.clip_text.get(), kClipTokens, kClipTextWidth};
  read_json_lines(file, [&](const JsonReader& line) {
    line.at("prompt").raw_text();
    const std::vector<std::string> own = videos_of(line.at("video").raw_text(), different);
    if (own.empty()) return;
    PromptFeatures features;
    if (networks.viclip_video) features.viclip = features_of(line, viclip, true);
    if (has_clip(backbones)) features.clip = features_of(line, clip, networks.clip_text != nullptr);
    for (const std::string& video : own)
      if (!prompts.emplace(video, features).second)
        line.at("video").refuse(fmt::format("{} has two prompts", in_quotes(video)));
  });
  if (prompts.empty())
    throw InputError(fmt::format("{} has a prompt of none of the videos", in_quotes(file)));
  return prompts;
}

}  // namespace vidattn
