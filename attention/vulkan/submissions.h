#pragma once

#include <cstdint>
#include <vector>

#include "attention/vulkan/attend_shape.h"
#include "attention/vulkan/index.h"
#include "attention/vulkan/tuning/pace.h"

namespace vidattn::vulkan {

/// Heads of a table, counted inside it, that take one dispatch: `count` of them, `step` apart.
struct TableHeads {
  int64_t first, count, step = 1;
};

/// Items on their way to the device, cut by measured speed into submissions of bounded length.
class Submissions {
 public:
  /// What submissions take is added to `seconds`.
  Submissions(Gpu& gpu, Pace& pace, double& seconds) : gpu_(gpu), pace_(pace), seconds_(seconds) {}

  /// Records the items of a group for these heads, and submits whenever there is enough. Throws
  /// Cancelled then.
  void add(const BranchIndex::Group& group, const AttendKernel& kernel,
           const std::vector<const Buffer*>& buffers, AttendShape shape, const TableHeads& heads);
  /// Submits what is left, and what else was recorded.
  void send();

 private:
  void send_measured(const AttendKernel& kernel);

  Gpu& gpu_;
  Pace& pace_;
  double& seconds_;
  int64_t pending_ = 0;  ///< products recorded and not submitted
};

}  // namespace vidattn::vulkan
