#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attention/grid.h"
#include "harness/workloads/capture/layout.h"
#include "harness/workloads/capture/metadata.h"
#include "harness/workloads/capture/options.h"
#include "harness/workloads/request.h"

namespace vidattn {

/// How a call is read: what was asked for, else what its metadata says. -1 = neither.
struct CaptureSettings {
  VideoGrid grid;                 ///< without text tokens; not known() where nobody gave it
  std::optional<Layout> layout;   ///< empty = by the tensors' rank
  bool layout_confirmed = false;  ///< asked for on the command line
  std::string attention;          ///< kSelf, kCross or empty
  int64_t heads = -1;
  int64_t lone_heads =
      -1;  ///< as many where heads and channels are one axis, else the number of one
  int64_t prefix = 0;
  int64_t valid = -1;
  int64_t batch_entry = -1;
  double scale = 0;  ///< softmax scale; 0 = 1/sqrt(D)
  std::optional<HeadRange> head_range;
};

/// What is asked for wins; where the metadata contradicts it, a line is added to `notes`. Throws
/// InputError for options that make no sense.
CaptureSettings settle(const WorkloadRequest& request, const CaptureMetadata& metadata,
                       std::vector<std::string>& notes);

}  // namespace vidattn
