#include "attention/vulkan/submissions.h"

#include <algorithm>

#include "attention/cancel.h"

namespace vidattn::vulkan {

void Submissions::add(const BranchIndex::Group& group, const AttendKernel& kernel,
                      const std::vector<const Buffer*>& buffers, AttendShape shape,
                      const TableHeads& heads) {
  if (heads.count <= 0) return;
  shape.head_step = static_cast<uint32_t>(heads.step);
  for (size_t i = 0; i < group.cost.size();) {
    const int64_t limit = pace_.products_per_submission(kernel);
    // One item may be too long for all heads together.
    const int64_t at_once = std::clamp<int64_t>(limit / std::max<int64_t>(1, group.cost[i]), 1,
                                                std::min(heads.count, kMaxGroups));
    size_t end = i;
    int64_t products = 0;
    while (end < group.cost.size() && static_cast<int64_t>(end - i) < kMaxGroups &&
           (end == i || products + group.cost[end] * at_once <= limit))
      products += group.cost[end++] * at_once;
    shape.item = group.first_item + static_cast<uint32_t>(i) * kItemWords;
    for (int64_t h = 0; h < heads.count; h += at_once) {
      const int64_t count = std::min(at_once, heads.count - h);
      shape.group_head = static_cast<uint32_t>(heads.first + h * heads.step);
      gpu_.dispatch(kernel.program(), buffers, shape, static_cast<int64_t>(end - i), count);
      pending_ += products / at_once * count;
      if (pending_ >= limit / 2) send_measured(kernel);
    }
    i = end;
  }
}

void Submissions::send_measured(const AttendKernel& kernel) {
  const double seconds = gpu_.submit();
  seconds_ += seconds;
  pace_.note(kernel, pending_, seconds);
  pending_ = 0;
  throw_if_cancelled();
}

void Submissions::send() {
  seconds_ += gpu_.submit();
  pending_ = 0;
}

}  // namespace vidattn::vulkan
