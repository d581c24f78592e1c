#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace vidattn {

/// What a capture says of itself (CAPTURES.md). Empty or -1 = not said.
struct CaptureMetadata {
  std::array<int64_t, 3> grid = {};  ///< latent frames, height, width; zeros = not said
  std::vector<int64_t> shots;        ///< first latent frame of each
  int64_t prefix = -1, valid = -1;   ///< tokens before the video; tokens before the padding
  int64_t heads = -1;                ///< query heads that are stored
  int64_t layer = -1, step = -1;
  int64_t first_head = 0;             ///< of the model, that is stored first
  std::vector<int64_t> head_indices;  ///< of the model, that are stored; empty = from first_head on
  int64_t model_heads = -1;           ///< query heads of the model
  int64_t lone_heads = -1;  ///< a number said of heads: how many, or which (CaptureSettings)
  std::string attention;    ///< kSelf or kCross
  std::string layout;
  std::string prompt;  ///< one line
  double softmax_scale = 0;
  nlohmann::json record;  ///< all that was said, for the provenance; null = nothing

  bool has_grid() const { return grid[0] > 0; }
};

/// From a safetensors file's metadata: the JSON text under "vidattn.capture" (capture.schema.json),
/// or the plain texts that others write: step, block or layer, heads as a range, layout, grid,
/// softmax_scale, prompt. What is meant for others and cannot be understood is left alone. Throws
/// InputError naming `file` for a JSON text that breaks the schema.
CaptureMetadata read_capture_metadata(const std::map<std::string, std::string>& texts,
                                      const std::string& file);

}  // namespace vidattn
