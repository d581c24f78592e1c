#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// How captions come in: each shot's tokens look at their own shot's words (Wan), or words are
/// tokens of the visual attention, with weights of their own (MMDiT).
enum class DitText { cross, joint };
std::string to_string(DitText text);
/// Throws InputError naming the known ones for another text.
DitText parse_dit_text(const std::string& text);
/// "cross", "joint".
std::vector<std::string> dit_texts();

/// The shape of a small video DiT (DIT.md).
struct DitConfig {
  std::string size = "nano";
  int64_t channels = 128, heads = 2, blocks = 4;
  int64_t frames = 12, height = 8, width = 8;  ///< latent grid that it is trained on
  int64_t groups = 0;                          ///< of the routers, M; 0 = it has none
  DitText text = DitText::cross;

  int64_t dim() const { return channels / heads; }
  int64_t inner() const { return 2 * channels; }  ///< channels inside a feed-forward layer
  int64_t tokens() const { return frames * height * width; }
  bool operator==(const DitConfig&) const = default;
};

/// Of the clips that a network is trained on.
inline constexpr int64_t kMostDitTokens = 1 << 16;

/// The names of dit_config(): "tiny", "nano", "micro".
std::vector<std::string> dit_sizes();
/// Throws InputError naming the known sizes for an unknown one.
DitConfig dit_config(const std::string& size);

nlohmann::json to_json(const DitConfig& config);
/// Throws InputError, naming the place, for what is missing, of another type or impossible.
DitConfig dit_config_from(const std::string& json, const std::string& where);

/// A parameter of the network: its name in checkpoints and its shape.
struct DitParameter {
  std::string name;
  std::vector<int64_t> shape;
};

/// All parameters of a network, sorted by name: what a checkpoint must hold.
std::vector<DitParameter> dit_parameters(const DitConfig& config);

}  // namespace vidattn
