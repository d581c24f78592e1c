#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// The attention mask of one head as a square picture (8UC1, `side` pixels or fewer): row and
/// column are stretches of queries and keys in token order, brightness the share of visible pairs,
/// taken from up to 3 queries of a row. Memory and time are O(L) per row, never L x L.
cv::Mat mask_picture(const Plan& plan, const Inputs& in, int64_t head, int side = 512);

/// A picture with whole pixels in place of each of its own, at least 512 on the short side.
cv::Mat enlarged(const cv::Mat& picture);

/// Latent frames of a video side by side, at least 512 pixels on the short side, every token in the
/// colour of the query segment (group, window, tile) that it belongs to in the first branch;
/// uncovered tokens stay grey. `backgrounds` are pictures of the frames `latent`, which show
/// through in grey, or empty. Empty when the segments tell nothing: one only, or queries that stand
/// in several.
cv::Mat segment_picture(const Plan& plan, const Inputs& in, int64_t head,
                        const std::vector<int64_t>& latent,
                        const std::vector<cv::Mat>& backgrounds);

/// The same frames with the keys that one query sees: its token is marked, visible ones keep
/// the picture's colours, the others are dark.
cv::Mat visible_picture(const Plan& plan, const Inputs& in, int64_t head, int64_t query,
                        const std::vector<int64_t>& latent,
                        const std::vector<cv::Mat>& backgrounds);

/// A picture as wide as a page can show, at most 1,920 pixels; figures keep all of them.
cv::Mat on_page(const cv::Mat& picture);

/// Up to four latent frames spread over the video, the first of a shot where there are shots.
std::vector<int64_t> frames_to_show(const VideoGrid& grid);

/// "data:image/png;base64,…" of a mask, whose edges are sharp; frames as JPEG, a quarter of the
/// size.
std::string data_uri(const cv::Mat& picture);

}  // namespace vidattn
