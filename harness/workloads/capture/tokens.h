#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/io/stored_array.h"

namespace vidattn {

/// How a call's tokens lie, or the keys of cross-attention: before the video, the video, after it;
/// and which of them exist.
struct TokenRegions {
  int64_t stored = 0;          ///< tokens in the file
  int64_t prefix = 0;          ///< before the video
  int64_t video = 0;           ///< 0 = not known
  std::vector<bool> attended;  ///< false for padding; empty = all exist
};

/// Where each stored token goes so that the video comes first and the rest follows in its order,
/// without the padding. Attention does not ask for an order, so the result is the same.
struct TokenOrder {
  Rearrangement places;   ///< its axis is 0
  bool changes = false;   ///< false = every token stays where it is
  nlohmann::json record;  ///< counts, for the provenance
};

/// Throws InputError when the regions leave the stored tokens, padding lies in the video, or
/// nothing is left.
TokenOrder order_tokens(const TokenRegions& regions);

}  // namespace vidattn
