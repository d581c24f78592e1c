#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/workloads/part.h"

namespace vidattn {

// Both workloads turn a video into a latent grid as Wan2.1 does (VAE stride 4x8x8, patch 1x2x2: a
// token is 16x16 pixels, T latent frames are 1+4(T-1) pixel frames), describe each token by fixed
// features (features.h) and project these to q, k and v (qkv.h). They are a stand-in for a trained
// DiT's tensors: content, motion and shots are real, the projections are not learned, and nothing
// here predicts a model's output quality. inputs.extra["hidden"] holds the features, [L,128], and
// inputs.extra["identity"], [L] uint8, who is in a token where request.masks asks: 0 = nobody.
// Frames are streamed, so memory does not grow with them beyond the tensors themselves.

/// "film": the procedural film of request.seed (film.h), by default 21x30x52 tokens, which is 81
/// frames of 832x480. Shots are the film's own; request.shots are latent frames where it cuts.
/// Throws InputError for an impossible grid, shots, heads, dim or peak. `rows`: of these tokens
/// alone, with the grid of all (part.h).
Workload film_workload(const WorkloadRequest& request, const RowsOf& rows = {});

/// "video:PATH". Frames are resized (pixel area) to the nearest multiples of 16, or to
/// request.height x request.width tokens. The grid has request.frames latent frames, by default as
/// many as the video fills but at most 21; a longer video is sampled evenly over its whole length,
/// because its shots matter more here than its frame rate. Shots are detected at full frame rate
/// (shots.h), or given as latent frames. Throws InputError for a file that is not a readable video
/// or has fewer frames than asked, and as film_workload() does.
Workload video_workload(const WorkloadRequest& request, const RowsOf& rows = {});

/// Features of a video's tokens, [L,128], and what they were made from.
struct VideoFeatures {
  VideoGrid grid;
  std::vector<float> hidden;
  nlohmann::json provenance;
  std::vector<uint8_t> identity = {};  ///< [L], where request.masks asks: 0 = nobody
};

/// Those of the film, before they are projected. Throws as film_workload().
VideoFeatures film_features(const WorkloadRequest& request);

/// q, k and v of features; a sharpness other than 0 is used in place of one calibrated to the
/// request's peak.
Workload project_features(const WorkloadRequest& request, VideoFeatures features,
                          double sharpness = 0, const RowsOf& rows = {});

}  // namespace vidattn
