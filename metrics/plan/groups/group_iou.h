#pragma once

#include <cstdint>
#include <vector>

#include "attention/grid.h"

namespace vidattn {

/// The extra input that says who is in a video token, uint8 [L], 0 = nobody; no method reads it.
inline constexpr const char* kIdentity = "identity";

/// Sum of best IoUs and how many masks it is of.
struct IouSum {
  double sum = 0;
  int64_t masks = 0;
  double mean() const { return masks > 0 ? sum / static_cast<double>(masks) : 0; }
};

/// MoGA A.9: groups of tokens read as a segmentation. For the mask of every character in every
/// latent frame the largest intersection over union with the frame's part of a group. `group`, [L],
/// is below `groups`, or -1 for none; `identity`, [L], 0 for background.
IouSum best_group_iou(const VideoGrid& grid, const std::vector<int32_t>& group, int64_t groups,
                      const std::vector<uint8_t>& identity);

/// The expected IoU of a mask that covers the share m of a frame with a group of M drawn at random,
/// m / ((M - 1) m + 1), in the mean over the same masks.
IouSum random_group_iou(const VideoGrid& grid, int64_t groups,
                        const std::vector<uint8_t>& identity);

}  // namespace vidattn
