#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "harness/workloads/workload.h"

namespace vidattn {

/// The pictures of latent frames (ascending) that a workload was made of: the film's, or the
/// video's read again. None for tensors, which have no pictures. Throws InputError where the video
/// can no longer be read.
std::vector<cv::Mat> backgrounds_of(const Workload& workload, const std::vector<int64_t>& latent);

}  // namespace vidattn
