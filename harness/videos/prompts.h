#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/videos/backbones.h"
#include "harness/videos/video_networks.h"

namespace vidattn {

/// Features of a prompt, of unit length; empty = there are none.
struct PromptFeatures {
  Feature viclip, clip;
};

/// Features of videos' prompts by the videos' paths.
using VideoPrompts = std::map<std::string, PromptFeatures>;

/// What a text network takes: the tokens up to the end token, cut to `context` with the end token
/// last, or padded by zeros. So CLIP and ViCLIP have it.
std::vector<int64_t> padded_tokens(const std::vector<int64_t>& tokens, int64_t context);

/// Reads `file` (empty: no prompts), a line for each video:
///   {"video": …, "prompt": …, "tokens": […], "viclip_text": […], "clip_text": […]}
/// "video" is its path as it is given, its name, or its name without the ending, in that order.
/// "tokens" are CLIP's of the prompt, from the start to the end token, for the text networks; in
/// their place may stand a network's features, 768 of ViCLIP and 512 of CLIP. Only videos' own
/// prompts are encoded; videos without one are not in the result. Throws InputError for lines that
/// are not so, prompts that lack what the networks given ask for, a video that has two, prompts
/// none of which belongs to a video, and networks of which prompts or another network is missing.
VideoPrompts load_prompts(const std::string& file, const std::vector<std::string>& videos,
                          const Backbones& backbones, const VideoNetworks& networks);

}  // namespace vidattn
